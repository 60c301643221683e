"""An open-loop load: sessions that post in turn at planned moments, whatever the server does.

Latencies count from the planned moment, so that a server that answers late cannot slow the load
down and hide it (coordinated omission).
"""

import asyncio
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

from bench.connection import Connection, ShortAnswer, connect
from bench.errors import BenchError
from bench.players import Player, Players
from bench.recordings import BatchBody, Recording
from bench.tally import NO_ANSWER
from bench.target import Target

_STARTERS = 32
_SHORTEST_SLEEP = 0.0005
_DRAIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """So many sessions, each with a connection of its own, post a batch each `interval` seconds,
    spread evenly.

    What is planned in the `warm_up` is posted, and not measured. With `follow` a session posts its
    recording from the beginning; else sessions are under way, and new ones follow those that end.
    """

    recordings: Sequence[Recording] = field(repr=False)
    sessions: int
    interval: float
    warm_up: float
    seconds: float
    follow: bool = False

    @property
    def spacing(self) -> float:
        """Return the seconds between two batches of all sessions."""
        return self.interval / self.sessions

    @property
    def first_measured(self) -> int:
        """Return the number of the first batch after the warm-up."""
        return round(self.warm_up / self.spacing)

    @property
    def batches(self) -> int:
        """Return how many batches are posted in all."""
        return self.first_measured + round(self.seconds / self.spacing)

    def batches_of(self, session: int) -> int:
        """Return how many of them are those of one session."""
        return len(range(session, self.batches, self.sessions))


@dataclass(slots=True)
class Loaded:
    """What became of the batches that were planned in the measured time, and in all."""

    begun: float = 0.0
    planned: int = 0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    answer_times: "array[float]" = field(default_factory=lambda: array("d"))
    lateness: "array[float]" = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    other_statuses: Counter[int] = field(default_factory=Counter)
    events: int = 0
    raw_bytes: int = 0
    body_bytes: int = 0
    acknowledged: int = 0
    duplicates: int = 0
    started: int = 0
    reconnects: int = 0


class OpenLoad:
    """Runs a plan: `start`, `post`, `close`."""

    def __init__(self, target: Target, plan: LoadPlan) -> None:
        self.target = target
        self.loaded = Loaded()
        self.measure_from = 0.0
        self._plan = plan
        self._players = Players(plan.recordings)
        self._visitors: list[_Visitor] = []
        self._working: set[asyncio.Task[None]] = set()

    @property
    def session_ids(self) -> list[UUID]:
        """Return the sessions that post now, in the order of their turns."""
        return [visitor.player.session_id for visitor in self._visitors]

    async def start(self) -> None:
        """Open the connections and start the sessions. Raises BenchError."""
        waiting = iter(self._first_players())

        async def start_some() -> None:
            for player in waiting:
                visitor = _Visitor(self, player, await connect(self.target))
                answer = await visitor.start()
                if answer.status != HTTPStatus.OK:
                    raise BenchError(f"No session can be started: {answer.status} {answer.body!r}")
                self._visitors.append(visitor)

        async with asyncio.TaskGroup() as starting:
            for _ in range(_STARTERS):
                starting.create_task(start_some())

    async def post(self) -> None:
        """Post until the time is over; the last answers may be outstanding then."""
        plan, visitors = self._plan, self._visitors
        self.loaded.begun = begun = time.perf_counter()
        self.measure_from = begun + (plan.first_measured - 0.5) * plan.spacing
        for number in range(plan.batches):
            due = begun + number * plan.spacing
            now = time.perf_counter()
            if due - now > _SHORTEST_SLEEP:
                await asyncio.sleep(due - now)
                now = time.perf_counter()
            elif number % 8 == 0:
                await asyncio.sleep(0)
            if due >= self.measure_from:
                self.loaded.planned += 1
                self.loaded.lateness.append(now - due)
            self._post(visitors[number % len(visitors)], due)

    async def settle(self) -> None:
        """Wait for the outstanding answers for a time; what has none then was not answered."""
        if self._working:
            await asyncio.wait(self._working, timeout=_DRAIN_SECONDS)
        for task in self._working:
            task.cancel()
        missing = self.loaded.planned - self.loaded.statuses.total()
        self.loaded.statuses[NO_ANSWER] += missing
        self.loaded.latencies.extend([_DRAIN_SECONDS] * missing)

    async def end_sessions(self) -> None:
        """End all sessions, as their pages would."""
        waiting = iter(self._visitors)

        async def end_some() -> None:
            for visitor in waiting:
                await visitor.end()

        await asyncio.gather(*(end_some() for _ in range(_STARTERS)))

    def close(self) -> None:
        """Close the connections."""
        for visitor in self._visitors:
            visitor.connection.close()

    def next_player(self) -> Player:
        """Return who follows a session that has ended."""
        self.loaded.started += 1
        return self._players.new()

    def _first_players(self) -> Iterator[Player]:
        if self._plan.follow:
            return (self._players.new() for _ in range(self._plan.sessions))
        return self._players.under_way(self._plan.sessions)

    def _post(self, visitor: "_Visitor", due: float) -> None:
        visitor.backlog.append(due)
        if not visitor.busy:
            visitor.busy = True
            task = asyncio.create_task(visitor.work(), name="visitor")
            self._working.add(task)
            task.add_done_callback(self._working.discard)


class _Visitor:
    """A browser: one connection, and one session after another."""

    def __init__(self, load: OpenLoad, player: Player, connection: Connection) -> None:
        self.player = player
        self.connection = connection
        self.backlog: deque[float] = deque()
        self.busy = False
        self._load = load

    async def work(self) -> None:
        """Post what is due, one batch after another."""
        while self.backlog:
            await self._post_batch(self.backlog.popleft())
        self.busy = False

    async def start(self) -> ShortAnswer:
        """Start the session."""
        body = self._load.target.start_body(self.player.session_id, round(time.time() * 1000))
        return await self._request("start", body)

    async def end(self) -> ShortAnswer:
        """End the session."""
        return await self._request(f"{self.player.session_id}/end", b"{}")

    async def _post_batch(self, due: float) -> None:
        batch = self.player.next_batch()
        body = self._load.target.events_body(self.player.session_id, batch)
        sent = time.perf_counter()
        answer = await self._request(f"{self.player.session_id}/events", body)
        self._note(batch, len(body), answer, due, sent)
        if self.player.finished:
            other = self._load.loaded.other_statuses
            other[(await self.end()).status] += 1
            self.player = self._load.next_player()
            other[(await self.start()).status] += 1

    def _note(
        self, batch: BatchBody, size: int, answer: ShortAnswer, due: float, sent: float
    ) -> None:
        loaded, taken = self._load.loaded, answer.status == HTTPStatus.OK
        duplicate = b'"duplicate":' in answer.body
        loaded.duplicates += duplicate
        if taken and not duplicate:
            loaded.acknowledged += batch.event_count
        if due < self._load.measure_from:
            return
        now = time.perf_counter()
        loaded.statuses[answer.status] += 1
        loaded.latencies.append(now - due)
        loaded.answer_times.append(now - sent)
        if taken:
            loaded.events += batch.event_count
            loaded.raw_bytes += batch.raw_bytes
            loaded.body_bytes += size

    async def _request(self, path: str, body: bytes) -> ShortAnswer:
        target = self._load.target
        request = target.request("POST", f"/api/sessions/{path}", target.keys.ingest, body)
        try:
            if self.connection.closed:  # as browsers do with one that was kept alive too long
                self.connection = await connect(target)
                self._load.loaded.reconnects += 1
            return await self.connection.request(request)
        except (ConnectionError, BenchError):
            return ShortAnswer(NO_ANSWER, b"")
