"""Runs publishers and viewers while one fault follows another, then checks all that happened."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from uuid import UUID

from aiohttp import ClientSession, TCPConnector

from tests.faults.catalog import FAULTS, may_coincide
from tests.faults.crowd import check_sessions, finish, make_watchers, start_watching
from tests.faults.history import History, SessionHistory
from tests.faults.leaks import check_leaks, check_logs
from tests.faults.publisher import Publisher
from tests.faults.socket_publisher import SocketPublisher
from tests.faults.stage import Stage
from tests.faults.staleness import check_staleness, noting_stalls
from tests.faults.watcher import HABITS

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
            await finish(
                self.history, loads, _PUBLISHED_SECONDS, "publishers finish once all is well"
            )
            await finish(self.history, self._viewing, _WATCHED_SECONDS, "viewers see the end")
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
            watchers = make_watchers(
                HABITS, http, watching, self._stage.keys["read"], session, self.history, random
            )
            self._viewing += [start_watching(watcher, publisher) for watcher in watchers]
            life = random.uniform(_LEAST_LIFE, _LONGEST_LIFE)
            await publisher.run(asyncio.sleep(life), lanes)

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

    async def _check(self, http: ClientSession) -> None:
        urls = [node.service.url for node in self._stage.nodes]
        key = self._stage.keys["read"]
        await check_sessions(self.history, http, self._stage.servers.database_url, urls, key)
