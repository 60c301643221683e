"""A crowd that publishes and watches through nginx while one part after another goes."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from uuid import UUID

from aiohttp import ClientSession, TCPConnector

from tests.deploy.outages import OUTAGES
from tests.deploy.topology import Topology
from tests.faults.crowd import check_sessions, finish, make_watchers, start_watching
from tests.faults.history import History, SessionHistory
from tests.faults.leaks import check_logs
from tests.faults.publisher import Publisher
from tests.faults.socket_publisher import SocketPublisher
from tests.faults.staleness import noting_stalls
from tests.faults.watcher import HABITS, Habit, Watcher

_BACK = "every viewer is back by itself"


@dataclass(frozen=True, slots=True)
class Size:
    """How many take part, how they go on, and how long each calm and each wait may be."""

    sessions: int
    viewers: int
    pause: tuple[float, float]
    """Seconds between two batches of a session."""
    patience: tuple[float, float]
    """Seconds from a viewer's disconnect until it connects again."""
    ramp: float
    """Seconds in which the sessions begin."""
    calm: float
    """Seconds before each outage."""
    back: float
    """Seconds in which all viewers have to be back."""
    hurried: bool = False
    """Whether outages that may coincide do."""

    def rounds(self) -> list[tuple[str, ...]]:
        """Return the outages in their order, those together that come at once."""
        together = _MAY_COINCIDE if self.hurried else ()
        alone = [(name,) for name in OUTAGES if name not in together]
        return [*alone, together] if together else [*alone]


SMALL = Size(40, 40, (0.2, 2.0), (0.05, 0.4), ramp=1, calm=1, back=30, hurried=True)
FULL = Size(1000, 500, (2.0, 28.0), (0.5, 3.0), ramp=30, calm=15, back=60)
_MAY_COINCIDE = ("process-roll", "nginx-reload")


@dataclass(slots=True)
class Outcome:
    """What happened; how long each outage lasted, and how long after it all viewers were back and a
    batch was acknowledged.
    """

    history: History
    lasted: dict[str, float] = field(default_factory=dict)
    back: dict[str, float] = field(default_factory=dict)
    answers: Counter[tuple[int, bool]] = field(default_factory=Counter)
    """How many requests nginx answered with each status, and whether another process took over."""


async def run(size: Size, seed: int, logs: Path | None = None) -> Outcome:
    """Return what happened during all outages; `logs` is where to leave the logs."""
    async with Topology() as topology:
        crowd = Crowd(topology, size, seed)
        try:
            return await crowd.run()
        finally:
            if logs is not None:
                topology.copy_logs(logs)
                for session_id, story in crowd.outcome.history.stories.items():
                    (logs / f"{session_id}.txt").write_text(story)


class Crowd:
    """Publishers and viewers that know nothing but nginx's address."""

    def __init__(self, topology: Topology, size: Size, seed: int) -> None:
        self.outcome = Outcome(History())
        self._topology = topology
        self._size = size
        self._random = Random(seed)
        self._over = asyncio.Event()
        self._watchers: list[Watcher] = []

    @property
    def _history(self) -> History:
        return self.outcome.history

    async def run(self) -> Outcome:
        """Run and check."""
        async with (
            noting_stalls(self._history),
            ClientSession(connector=TCPConnector(limit=0)) as http,
        ):
            publishing, viewing = self._begin(http)
            await asyncio.sleep(self._size.ramp)
            await self._await_viewers("the start", self._size.ramp + self._size.back)
            for names in self._size.rounds():
                await self._play(names)
            await asyncio.sleep(self._size.calm)
            self._over.set()
            wait = 60 + self._size.back
            await finish(self._history, publishing, wait, "publishers finish once all is well")
            await finish(self._history, viewing, wait, "viewers see the end")
            await self._check(http)
        self.outcome.answers = self._topology.nginx.answers()
        self._history.violations += check_logs(self._topology.logs)
        return self.outcome

    def _begin(
        self, http: ClientSession
    ) -> tuple[list[asyncio.Task[None]], list[asyncio.Task[None]]]:
        """Let all begin; return the tasks of publishers and of viewers."""
        publishers = [self._publisher(http, number) for number in range(self._size.sessions)]
        publishing = [
            asyncio.create_task(self._publish(publisher), name="load") for publisher in publishers
        ]
        viewing = []
        for habit in self._habits():
            number = int(self._size.sessions * self._random.random() ** 2)  # some are watched much
            session = self._history.sessions[number]
            key = self._topology.keys["read"]
            urls = [self._topology.nginx.url]
            self._watchers += make_watchers(
                [habit], http, urls, key, session, self._history, self._random
            )
            viewing.append(start_watching(self._watchers[-1], publishers[number]))
        return publishing, viewing

    def _habits(self) -> list[Habit]:
        staying = [replace(h, patience=self._size.patience) for h in HABITS if h.stays is None]
        return [staying[number % len(staying)] for number in range(self._size.viewers)]

    def _publisher(self, http: ClientSession, number: int) -> Publisher:
        session = SessionHistory(UUID(int=self._random.getrandbits(128), version=4))
        self._history.sessions.append(session)
        session.in_order = number % 5 == 0
        kind = SocketPublisher if session.in_order else Publisher
        return kind(
            http,
            [self._topology.nginx.url],
            self._topology.keys["ingest"],
            session,
            self._history,
            Random(self._random.random()),
            self._size.pause,
        )

    async def _publish(self, publisher: Publisher) -> None:
        await asyncio.sleep(self._random.uniform(0, self._size.ramp))
        await publisher.run(self._over.wait(), 1)

    async def _play(self, names: Sequence[str]) -> None:
        await asyncio.sleep(self._size.calm)
        with self._history.lasting(names):
            await asyncio.gather(*map(self._break, names))
            ended = time.monotonic()
            await self._await_commit(" and ".join(names))
            await self._await_viewers(" and ".join(names), self._size.back)
            self.outcome.back |= dict.fromkeys(names, time.monotonic() - ended)

    async def _break(self, name: str) -> None:
        began = time.monotonic()
        await OUTAGES[name](self._topology)
        self.outcome.lasted[name] = time.monotonic() - began

    async def _await_commit(self, when: str) -> None:
        before = self._history.tally.acknowledged
        try:
            async with asyncio.timeout(self._size.back):
                while True:
                    if self._history.tally.acknowledged > before:
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            self._history.violate("batches are stored again", f"after {when}")

    async def _await_viewers(self, when: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while away := [w for w in self._watchers if not w.shown.is_set()]:
                    await away[0].shown.wait()
        except TimeoutError:
            self._history.violate(_BACK, f"{len(away)} are away {seconds} s after {when}")

    async def _check(self, http: ClientSession) -> None:
        await check_sessions(
            self._history,
            http,
            self._topology.servers.database_url,
            [self._topology.nginx.url],
            self._topology.keys["read"],
            self._topology.objects.read,
        )
        code, said = await self._topology.processes[0].run("doctor")
        if code:
            place = f"it ended with {code}: {said}"
            self._history.violate("in the end a doctor finds no problem", place)
