"""Seals ended sessions: merges their batches into segments, which take a fraction of the room."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from spectraview.lifecycle.segment_builder import (
    SegmentBuilder,
    SegmentSizes,
    StoredSegment,
    with_keyframe,
)
from spectraview.observability.tracing import span
from spectraview.storage.codec import CorruptData
from spectraview.storage.database import Database, StatementRefused
from spectraview.storage.models import Position
from spectraview.storage.sealing import ClaimedSession, NewSegment, SealingStore
from spectraview.storage.segment_data import SegmentData, SegmentMissing
from spectraview.storage.segments import Segment, SegmentBatches, SegmentStore
from spectraview.storage.store import Store
from spectraview.storage.zstd import decompress

logger = logging.getLogger(__name__)

LEASE_SECONDS = 120.0
"""How long a session waits when the process that was sealing it has died."""
_SIZES = SegmentSizes()
_AT_ONCE = 10
_PAGE_BYTES = 4_194_304
_SMALL_BYTES = 1_048_576
"""Bytes of JSON up to which a segment is not worth a thread of its own."""
_FAULTY_SECONDS = 21_600.0
_REFUSED_SECONDS = 300.0
"""How long a session waits that is damaged, and one that somebody has changed meanwhile."""
_LOWEST_PRIORITY = 19
_LONG_COMMIT = 0.02
_BUSY, _VERY_BUSY = 0.5, 0.75
_PAUSES, _MANY_PAUSES = 4, 16
_LONGEST_PAUSE = 5.0


@dataclass(slots=True)
class SealReport:
    """What a round of sealing did; bytes of JSON and of the segments that hold it now."""

    sessions: int = 0
    segments: int = 0
    batches: int = 0
    size_bytes: int = 0
    stored_bytes: int = 0
    failed: int = 0


class Sealer:
    """Seals sessions, one segment at a time.

    While ingest waits for its commits, which `commit_seconds` tells, or the event loop takes much
    of a core, which `loop_busy` tells, it rests after each session for several times as long as
    that took: it needs Python's one lock too, though little of it.

    Any number of processes may do so at once: each takes sessions of its own for the time of a
    lease. The lease only spares work; what a segment replaces is compared under the session's lock.
    """

    def __init__(
        self,
        database: Database,
        data: SegmentData,
        *,
        seal_after: float,
        lease: float = LEASE_SECONDS,
        sizes: SegmentSizes = _SIZES,
        commit_seconds: Callable[[], float] = float,
        loop_busy: Callable[[], float] = float,
    ) -> None:
        self._store = SealingStore(database, lease=lease)
        self._sessions = Store(database)
        self._segments = SegmentStore(database)
        self._data = data
        self._seal_after = seal_after
        self._sizes = sizes
        self._commit_seconds = commit_seconds
        self._loop_busy = loop_busy

    async def seal(self, limit: int) -> SealReport:
        """Seal at most `limit` of the sessions that ended long enough ago. Raises
        DatabaseUnavailable.
        """
        report = SealReport()
        while report.sessions + report.failed < limit:
            wanted = min(_AT_ONCE, limit - report.sessions - report.failed)
            claimed = await self._store.claim_unsealed(wanted, self._seal_after)
            if not claimed:
                break
            for session in claimed:
                began = time.monotonic()
                await self._seal_session(session, report)
                if pauses := rest_of(self._commit_seconds(), self._loop_busy()):
                    await asyncio.sleep(min(pauses * (time.monotonic() - began), _LONGEST_PAUSE))
        return report

    async def _seal_session(self, session: ClaimedSession, report: SealReport) -> None:
        try:
            if session.batch_count > session.sealed_batch_count:
                with span("seal", session_id=str(session.session_id)):
                    await self._seal_batches(session, report)
            else:
                await self._store.finish_sealing(session.session_id)
            report.sessions += 1
        except (CorruptData, SegmentMissing, StatementRefused) as error:
            report.failed += 1
            logger.error(
                "session %s can't be sealed, its batches stay: %s", session.session_id, error
            )
            damaged = isinstance(error, CorruptData)
            seconds = _FAULTY_SECONDS if damaged else _REFUSED_SECONDS
            await self._store.postpone_sealing(session.session_id, seconds)

    async def _seal_batches(self, session: ClaimedSession, report: SealReport) -> None:
        """Seal a session, segment after segment, unless it goes on, is gone, or somebody else has
        sealed it.
        """
        builder = await self._first_builder(session)
        while builder.position.batch_number < session.batch_count:
            if not await self._fill(session, builder):
                return
            new = await _build(builder)
            await self._list_earlier(session, builder)
            if not await self._store.seal_segment(session, new):
                return
            report.segments += 1
            report.batches += new.removal.batches
            report.size_bytes += new.removal.size_bytes
            report.stored_bytes += new.segment.stored_bytes
            marked = [*builder.marked, (new.segment.first_sequence, new.marks)]
            builder = SegmentBuilder(builder.position, self._sizes, builder.left_bytes, marked)

    async def _first_builder(self, session: ClaimedSession) -> SegmentBuilder:
        """Return what goes on where the session's segments end: with the last, if that is small."""
        left_bytes = await self._store.sum_unsealed(session)
        if not session.sealed_batch_count:
            return SegmentBuilder(Position(), self._sizes, left_bytes)
        segment, batches = await self._find(session, session.sealed_batch_count)
        end = Position(segment.last_batch, segment.next_sequence)
        marked = await self._store.list_marks(session)
        sizes = self._sizes
        grows = segment.size_bytes <= sizes.small and len(batches.offsets) < sizes.batches
        if not grows or segment.object_key is not None:
            return SegmentBuilder(end, sizes, left_bytes, marked)
        stored = await self._with_json(session, segment, batches)
        return SegmentBuilder(end, sizes, left_bytes, marked, stored)

    async def _fill(self, session: ClaimedSession, builder: SegmentBuilder) -> bool:
        """Read batches until the segment is full. False when they are not there any more."""
        while builder.position.batch_number < session.batch_count:
            page = await self._store.fetch_unsealed(session, builder.position, _PAGE_BYTES)
            expected = builder.position.batch_number + 1
            if not page or page[0].batch_number != expected:
                if await self._went(session, expected):
                    return False
                raise CorruptData(f"batch {expected} is missing")
            if not await asyncio.to_thread(builder.take_all, page):
                return True
        return True

    async def _went(self, session: ClaimedSession, batch_number: int) -> bool:
        """Tell whether somebody else has sealed a batch, or deleted the session."""
        if not await self._sessions.fetch_heads([session.session_id]):
            return True
        found = await self._segments.find_segment(session.session_id, session.day, batch_number)
        return found is not None

    async def _list_earlier(self, session: ClaimedSession, builder: SegmentBuilder) -> None:
        """List keyframes in the earlier segments that ended with their Metas."""
        for sequence, timestamp in sorted(builder.earlier_keyframes.items()):
            batch = await self._sessions.find_batch(session.session_id, session.day, sequence)
            if batch is None:
                raise CorruptData(f"the Meta at {sequence} is missing")
            segment, batches = await self._find(session, batch.batch_number)
            if sequence in segment.keyframe_sequences:
                continue
            stored = await self._with_json(session, segment, batches)
            listed = await asyncio.to_thread(with_keyframe, stored, sequence, timestamp)
            await self._store.add_keyframes(session, listed)

    async def _find(
        self, session: ClaimedSession, batch_number: int
    ) -> tuple[Segment, SegmentBatches]:
        found = await self._segments.find_segment(session.session_id, session.day, batch_number)
        if found is None:
            raise CorruptData(f"the segment of batch {batch_number} is missing")
        return found

    async def _with_json(
        self, session: ClaimedSession, segment: Segment, batches: SegmentBatches
    ) -> StoredSegment:
        frame = await self._data.read(session.session_id, session.day, segment)
        json = await asyncio.to_thread(decompress, frame, segment.size_bytes)
        return segment, batches, json


def rest_of(commit_seconds: float, loop_busy: float) -> int:
    """Return for how many times as long as a session took to rest after it, by how long ingest
    waits for its commits and by the share of a core that the event loop takes.
    """
    if loop_busy > _VERY_BUSY:
        return _MANY_PAUSES
    return _PAUSES if loop_busy > _BUSY or commit_seconds > _LONG_COMMIT else 0


async def _build(builder: SegmentBuilder) -> NewSegment:
    """Compress in a thread that gives way to all others, since that takes most of the time.

    Only that: a thread of low priority that holds the GIL would hold up all others of the process.
    """
    if builder.size_bytes <= _SMALL_BYTES:
        return await asyncio.to_thread(lambda: builder.build(builder.compress()))
    executor = ThreadPoolExecutor(1, "seal", initializer=_give_way)
    try:
        frame = await asyncio.get_running_loop().run_in_executor(executor, builder.compress)
    finally:
        executor.shutdown(wait=False)
    return await asyncio.to_thread(builder.build, frame)


def _give_way() -> None:
    """Lower the priority of this thread, where threads have one."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
