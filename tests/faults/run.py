"""Runs publishers and viewers while one fault follows another, then checks all that happened."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from uuid import UUID

from aiohttp import ClientSession, TCPConnector

from tests.faults.catalog import FAULTS, may_coincide
from tests.faults.checker import check_session
from tests.faults.event_source import EventSource
from tests.faults.history import History, SessionHistory
from tests.faults.leaks import check_leaks, check_logs
from tests.faults.publisher import Publisher
from tests.faults.socket_publisher import SocketPublisher
from tests.faults.stage import Stage
from tests.faults.staleness import check_staleness, noting_stalls
from tests.faults.stored import ask, read_sessions
from tests.faults.story import tell
from tests.faults.watcher import HABITS, Watcher

_SESSIONS = 5
_LANES = 2
_EVERYWHERE, _OVER_A_SOCKET = 0, 1
"""The numbers of the session that is published and watched at both processes, and of the one that
is published over a WebSocket.
"""
_LEAST_LIFE, _LONGEST_LIFE = 6.0, 14.0
_CALM_SECONDS = 1.5
_TWO_AT_ONCE = 0.3
_PUBLISHED_SECONDS = 60.0
_WATCHED_SECONDS = 40.0


async def run(seed: int, minutes: float, names: Sequence[str], logs: Path | None = None) -> History:
    """Return what happened while the faults of these names went on, in the seed's order; `logs` is
    where to leave the logs.
    """
    async with Stage() as stage:
        playing = Run(stage, seed, names)
        try:
            return await playing.run(minutes * 60)
        finally:
            if logs is not None:
                stage.copy_logs(logs)
                for session_id, story in playing.history.stories.items():
                    (logs / f"{session_id}.txt").write_text(story)


class Run:
    """One run; the seed decides what the load is and which fault comes when."""

    def __init__(self, stage: Stage, seed: int, names: Sequence[str]) -> None:
        self.history = History()
        self._stage = stage
        self._names = names
        self._random = Random(seed)
        self._over = False
        self._viewing: list[asyncio.Task[None]] = []

    async def run(self, seconds: float) -> History:
        """Run and check."""
        async with (
            noting_stalls(self.history),
            ClientSession(connector=TCPConnector(limit=0)) as http,
        ):
            loads = [
                asyncio.create_task(self._load(http, number), name="load")
                for number in range(_SESSIONS)
            ]
            await self._play_faults(seconds)
            self._over = True
            await self._finish(loads, _PUBLISHED_SECONDS, "publishers finish once all is well")
            await self._finish(self._viewing, _WATCHED_SECONDS, "viewers see the end")
            await self._check(http)
        self.history.violations += check_staleness(self.history)
        self.history.violations += await check_leaks(self._stage)
        self.history.violations += check_logs(self._stage.logs)
        return self.history

    async def _play_faults(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        waiting: list[str] = []
        while time.monotonic() < until:
            await asyncio.sleep(_CALM_SECONDS)
            if not waiting:
                waiting = self._random.sample(list(self._names), len(self._names))
            names = [waiting.pop()]
            if self._random.random() < _TWO_AT_ONCE:
                names += [name for name in waiting if may_coincide(name, names[0])][-1:]
            await self._play(names)
        await self._stage.heal()

    async def _play(self, names: Sequence[str]) -> None:
        with self.history.lasting(names):
            await asyncio.gather(*(FAULTS[name](self._stage, self._random) for name in names))

    async def _load(self, http: ClientSession, number: int) -> None:
        """Record one session after another."""
        random = Random(self._random.random())
        while not self._over:
            session = SessionHistory(UUID(int=random.getrandbits(128), version=4))
            self.history.sessions.append(session)
            publishing, watching = self._urls(number)
            session.in_order = number == _OVER_A_SOCKET
            kind, lanes = (SocketPublisher, 1) if session.in_order else (Publisher, _LANES)
            publisher = kind(
                http, publishing, self._stage.keys["ingest"], session, self.history, random
            )
            self._viewing += self._watchers(http, watching, session, publisher, random)
            await publisher.run(random.uniform(_LEAST_LIFE, _LONGEST_LIFE), lanes)

    def _urls(self, number: int) -> tuple[Sequence[str], Sequence[str]]:
        """Return where a session is published and watched: on different processes, but for one
        session that is everywhere.
        """
        nodes = self._stage.nodes
        publishing = [node.url("publishers") for node in nodes]
        watching = [node.url("viewers") for node in nodes]
        if number == _EVERYWHERE:
            return publishing, watching
        return [publishing[number % len(nodes)]], [watching[(number + 1) % len(nodes)]]

    def _watchers(
        self,
        http: ClientSession,
        urls: Sequence[str],
        session: SessionHistory,
        publisher: Publisher,
        random: Random,
    ) -> list[asyncio.Task[None]]:
        async def watch(watcher: Watcher) -> None:
            await publisher.stored_something.wait()
            await watcher.run()

        key = self._stage.keys["read"]
        watchers = [
            (EventSource if habit.event_source else Watcher)(
                http, urls, key, session, self.history, habit, Random(random.random())
            )
            for habit in HABITS
        ]
        return [asyncio.create_task(watch(watcher), name="watcher") for watcher in watchers]

    async def _finish(
        self, tasks: Sequence[asyncio.Task[None]], seconds: float, promise: str
    ) -> None:
        done, pending = await asyncio.wait(tasks, timeout=seconds)
        if pending:
            self.history.violate(promise, f"{len(pending)} of {len(tasks)} hang")
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    async def _check(self, http: ClientSession) -> None:
        sessions = self.history.sessions
        stored = await asyncio.to_thread(
            read_sessions, self._stage.database_url, [s.session_id for s in sessions]
        )
        key = self._stage.keys["read"]
        for session in sessions:
            answers = [
                await ask(http, node.service.url, key, session.session_id)
                for node in self._stage.nodes
            ]
            found = check_session(session, stored[session.session_id], answers)
            self.history.violations += found
            if found:
                self.history.stories[session.session_id] = tell(session, stored[session.session_id])
