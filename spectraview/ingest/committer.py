"""Group commit: an idle committer takes every batch that waits and stores them all in one
transaction.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from spectraview.errors import InvalidBody, SessionNotFound, StoreUnavailable
from spectraview.ingest.clock import client_time
from spectraview.ingest.commit_queue import CommitQueue, Waiting, overloaded
from spectraview.observability.measures import CommitMeasures
from spectraview.observability.tracing import span
from spectraview.storage.append import Appended
from spectraview.storage.cache import ActiveSession, Announcement
from spectraview.storage.database import DatabaseUnavailable, StatementRefused
from spectraview.storage.models import Batch, StoredBatch
from spectraview.storage.store import Store

logger = logging.getLogger(__name__)

_RETRY_DELAY = 0.1
_LONGEST_RETRY_DELAY = 1.0
_DATA_FAULTS = frozenset({"22", "23", "54"})
"""SQLSTATE classes that blame the batch: its values, a constraint, a limit of PostgreSQL's."""
_NO_PARTITION = "23514"
_TAKEN = "23505"
_LATELY = 1.0
_AVERAGED = 16
"""Groups over which the time that batches wait is averaged."""


class Committer:
    """Stores batches in groups, one group at a time; use as an async context manager.

    `announce` is called with what each group has newly stored, after its commit and before its
    outcomes are known. A batch fails after `timeout` seconds; none should come while others wait
    for more than `max_wait` seconds for their turn, or hold `max_pending` bytes.
    """

    def __init__(
        self,
        store: Store,
        announce: Callable[[Sequence[Announcement]], None],
        *,
        timeout: float,
        max_pending: int,
        max_wait: float,
        ttl_hours: int,
    ) -> None:
        self._store = store
        self._announce = announce
        self._timeout = timeout
        self._max_wait = max_wait
        self._ttl_hours = ttl_hours
        self._queue = CommitQueue(max_pending)
        self._given_up = False
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._stored: deque[tuple[float, int]] = deque()
        self._committed_at = 0.0
        self._seconds = 0.0
        self.measures = CommitMeasures()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._commit_groups(), name="committer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store what still waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=0 if self._given_up else None)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def commit(self, batch: Batch) -> Appended:
        """Return once the batch is committed (or was before).

        Raises Overloaded, StoreUnavailable when it took too long (the outcome is unknown then, so
        the client sends the same again), SessionNotFound (no such session, and the batch names no
        app to create it).
        """
        waiting = self._queue.add(batch)
        self._wake.set()
        timeout = 0 if self._given_up else self._timeout
        too_late = asyncio.get_running_loop().call_later(timeout, waiting.fail_overdue)
        # Not when the wait ends: who is cancelled leaves a batch that must not be tried for ever.
        waiting.outcome.add_done_callback(lambda _: too_late.cancel())
        try:
            return await asyncio.shield(waiting.outcome)
        finally:
            # An error holds this frame: it must not hold the error in turn, else all that is
            # refused stays in memory until Python looks for cycles.
            del waiting, batch

    def check_room(self) -> None:
        """Raise Overloaded when a batch that comes now would wait too long, or has no room: who
        knows that before it reads and parses the batch has more time for those that wait.
        """
        self._queue.check_room()
        now = asyncio.get_running_loop().time()
        # Without a commit lately PostgreSQL is away or hangs: then the wait is for it to come back.
        if self._queue.waited(now) > self._max_wait and now - self._committed_at < _LATELY:
            raise overloaded()

    def give_up(self) -> None:
        """Let nobody wait for the store any longer: the process ends."""
        self._given_up = True
        self._queue.fail_all()

    @property
    def pending(self) -> tuple[int, int]:
        """Return how many batches wait or are being committed, and the bytes they hold."""
        return self._queue.pending

    @property
    def seconds(self) -> float:
        """Return how long batches have waited lately until they were committed, 0 without any."""
        idle = asyncio.get_running_loop().time() - self._committed_at > _LATELY
        return 0.0 if idle else self._seconds

    def events_per_minute(self) -> int:
        """Return how many events this process stored in the last minute."""
        self._count_stored(0)
        return sum(events for _, events in self._stored)

    def _count_stored(self, events: int) -> None:
        now = asyncio.get_running_loop().time()
        self._stored.append((now, events))
        while self._stored[0][0] < now - 60:
            self._stored.popleft()

    def _count(self, stored: Sequence[tuple[Batch, Appended]]) -> None:
        measures, before = self.measures, self.measures.events
        for batch, result in stored:
            if result.duplicate:
                measures.duplicates += 1
                continue
            measures.batches += 1
            measures.events += batch.events.count
            measures.custom_events += len(batch.custom_events)
            measures.errors += len(batch.errors)
            measures.json_bytes += batch.size_bytes
            measures.stored_bytes += len(batch.event_data)
        self._count_stored(measures.events - before)

    async def _commit_groups(self) -> None:
        while self._queue or not self._closing:
            await self._wake.wait()
            group = self._queue.take_group()
            if not self._queue and not self._closing:
                self._wake.clear()
            if group:
                await self._commit_group(group)
                self._queue.let_go()
                group = []  # what is stored is not held until the next comes

    async def _commit_group(self, group: list[Waiting]) -> None:
        now = asyncio.get_running_loop().time()
        self.measures.group.observe(len(group))
        for waiting in group:
            self.measures.wait.observe(now - waiting.since)
        links = [waiting.link for waiting in group]
        try:
            with span("commit_group", links=links, batches=len(group)):
                await self._store_group(group)
        except Exception as error:
            logger.exception("a group of %s batches failed", len(group))
            for waiting in group:
                waiting.fail(error)

    async def _store_group(self, group: list[Waiting]) -> None:
        """Store a group, patiently while PostgreSQL is away; a batch that PostgreSQL refuses fails
        alone.
        """
        delay = _RETRY_DELAY
        while group:
            began = asyncio.get_running_loop().time()
            try:
                results = await self._append(group)
            except DatabaseUnavailable as error:
                self.measures.retries += 1
                logger.warning("PostgreSQL does not answer: %s", str(error).strip())
                group = [waiting for waiting in group if not waiting.outcome.done()]
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_RETRY_DELAY)
            except StatementRefused as error:
                if error.sqlstate != _TAKEN:
                    await self._bisect(group, error)
                    return
                # A session that another process created in between was not there to be locked.
                group = [waiting for waiting in group if not waiting.outcome.done()]
                await asyncio.sleep(_RETRY_DELAY)
            else:
                self.measures.statement.observe(asyncio.get_running_loop().time() - began)
                self._finish(group, results)
                return

    async def _append(self, group: Sequence[Waiting]) -> list[Appended | None]:
        """Append a group, creating the sessions whose start was lost."""
        batches = [waiting.batch for waiting in group]
        results = await self._store.append_batches(batches, within=self._timeout)
        missing = [
            batch
            for batch, result in zip(batches, results, strict=True)
            if result is None and batch.app_id is not None
        ]
        if not missing:
            return results
        await self._store.create_sessions(missing, self._ttl_hours)
        # Only what was missing runs again: the others would come back as their own duplicates.
        again = iter(await self._store.append_batches(missing, within=self._timeout))
        return [
            next(again) if result is None and batch.app_id is not None else result
            for batch, result in zip(batches, results, strict=True)
        ]

    async def _bisect(self, group: list[Waiting], error: StatementRefused) -> None:
        if len(group) == 1:
            # Further lines of it would show what was stored.
            reason = str(error).partition("\n")[0]
            logger.warning(
                "PostgreSQL refused a batch of %s: %s", group[0].batch.session_id, reason
            )
            group[0].fail(_refusal(error))
            return
        middle = len(group) // 2
        await self._store_group(group[:middle])
        await self._store_group(group[middle:])

    def _finish(self, group: Sequence[Waiting], results: Sequence[Appended | None]) -> None:
        stored = [
            (waiting.batch, result)
            for waiting, result in zip(group, results, strict=True)
            if result is not None and result.stored
        ]
        # Duplicates are told again too: their first commit may have died before it could tell
        # anyone.
        self._announce([_announcement(batch, result) for batch, result in stored])
        self._count(stored)
        self._committed_at = asyncio.get_running_loop().time()
        self._seconds += (self._committed_at - group[0].since - self._seconds) / _AVERAGED
        for waiting, result in zip(group, results, strict=True):
            if waiting.outcome.done():
                continue
            if result is None:
                waiting.outcome.set_exception(SessionNotFound())
            else:
                waiting.outcome.set_result(result)


def _refusal(error: StatementRefused) -> Exception:
    if error.sqlstate == _NO_PARTITION:  # the job that makes partitions is late
        return StoreUnavailable(retry_after=60)
    if error.sqlstate[:2] in _DATA_FAULTS:
        return InvalidBody("PostgreSQL can't store this batch")
    return error


def _announcement(batch: Batch, result: Appended) -> Announcement:
    assert result.batch_number is not None, "only stored batches are announced"
    assert result.first_sequence is not None, "only stored batches are announced"
    summary = batch.events
    stored = StoredBatch(
        result.batch_number,
        result.first_sequence,
        summary.count,
        batch.codec,
        batch.event_data,
        tuple(event.body for event in batch.custom_events),
        tuple(error.body for error in batch.errors),
    )
    session = ActiveSession(
        batch.session_id,
        result.app_id,
        result.user_id,
        client_time(result.started_at, milliseconds=result.milliseconds),
        result.milliseconds,
        result.next_sequence,
    )
    has_snapshot = bool(summary.keyframes) or summary.orphan_snapshot is not None
    return Announcement(session, stored, has_snapshot)
