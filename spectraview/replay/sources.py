"""Reads the events of a range in order, as they are stored: segments whole, the rest as JSON."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from spectraview.replay.cutting import SegmentLayout, cut_events, find_last
from spectraview.replay.frames import SegmentFrames, StoredFrame
from spectraview.storage.codec import inflate, inner_text
from spectraview.storage.models import Session
from spectraview.storage.replays import EventRow, ReplayStore
from spectraview.storage.segment_data import SegmentMissing
from spectraview.storage.segments import Segment, SegmentStore

_TRIES = 5
_INLINE_BYTES = 65_536

Source = bytes | StoredFrame
"""Events with commas between them: JSON, or a segment that holds nothing else."""


class IncompleteReplay(Exception):
    """The session lost batches while it was read: it was deleted."""


class EventSource:
    """Reads events by their sequences, while sealing may put segments in the place of batches."""

    def __init__(self, store: ReplayStore, segments: SegmentStore, frames: SegmentFrames) -> None:
        self._store = store
        self._segments = segments
        self._frames = frames

    async def list_segments(self, session: Session) -> list[Segment]:
        """Return the session's segments that hold events."""
        found = await self._segments.list_segments(session.session_id, session.day)
        return [segment for segment in found if segment.event_count]

    async def reach(
        self, session: Session, first: int, before: int, segments: Sequence[Segment]
    ) -> None:
        """Fetch the first segment if it is archived, so that an archive that is away shows before
        anything is sent. Raises ObjectsUnavailable.
        """
        segment = _holding(segments, first)
        if segment is None or segment.object_key is None or first >= before:
            return
        with suppress(SegmentMissing):  # who reads it looks again
            await self._frames.read(session.session_id, session.day, segment)

    async def events(
        self, session: Session, first: int, before: int, segments: Sequence[Segment]
    ) -> AsyncIterator[Source]:
        """Yield the events from `first` to the one before `before`, never nothing at a time.

        Raises IncompleteReplay.
        """
        tries = 0
        while first < before:
            segment = _holding(segments, first)
            try:
                if segment is not None:
                    yield await self._from_segment(session, segment, first, before)
                    first = min(segment.next_sequence, before)
                else:
                    text, first = await self._from_rows(session, first, before)
                    yield text
                tries = 0
            except SegmentMissing as error:
                # Sealed meanwhile, or merged with batches that came late: look again.
                tries += 1
                if tries == _TRIES:
                    raise IncompleteReplay(session.session_id) from error
                segments = await self.list_segments(session)

    async def find_last(
        self, session: Session, first: int, before: int, timestamp: int
    ) -> int | None:
        """Return the last event that is not after a time among those of one segment or batch, which
        begins with `first`. Raises IncompleteReplay.
        """
        for _ in range(_TRIES):
            segment = _holding(await self.list_segments(session), first)
            try:
                if segment is not None:
                    return await self._find_in_segment(session, segment, before, timestamp)
                text, _ = await self._from_rows(session, first, before)
            except SegmentMissing:
                continue
            found = await asyncio.to_thread(find_last, text, timestamp, before - first)
            return None if found is None else first + found
        raise IncompleteReplay(session.session_id)

    async def _find_in_segment(
        self, session: Session, segment: Segment, before: int, timestamp: int
    ) -> int | None:
        stored = await self._frames.read(session.session_id, session.day, segment)
        layout = await self._layout_of(session, segment)
        before = min(before, segment.next_sequence)
        text = await self._frames.text(stored, 0, layout.bounds(segment.first_sequence, before)[1])
        return await asyncio.to_thread(layout.find_last, text, timestamp, before)

    async def _from_segment(
        self, session: Session, segment: Segment, first: int, before: int
    ) -> Source:
        stored = await self._frames.read(session.session_id, session.day, segment)
        if first <= segment.first_sequence and segment.next_sequence <= before:
            return stored
        before = min(before, segment.next_sequence)
        layout = await self._layout_of(session, segment)
        text = await self._frames.text(stored, *layout.bounds(first, before))
        return await asyncio.to_thread(layout.cut, text, first, before)

    async def _layout_of(self, session: Session, segment: Segment) -> SegmentLayout:
        """Return where a segment's batches lie. Raises SegmentMissing."""
        found = await self._segments.find_segment(
            session.session_id, session.day, segment.first_batch
        )
        if found is None or found[0].digest != segment.digest:
            raise SegmentMissing(session.session_id, segment.first_batch)
        return SegmentLayout.of(*found)

    async def _from_rows(self, session: Session, first: int, before: int) -> tuple[bytes, int]:
        """Return the next events of batches that are not sealed, and the sequence after them."""
        rows = await self._store.fetch_events(session.session_id, session.day, first, before)
        if not rows or rows[0].first_sequence > first or rows[0].next_sequence <= first:
            raise SegmentMissing(session.session_id, first)
        small = sum(len(row.data) for row in rows) <= _INLINE_BYTES
        arguments = (rows, first, before)
        text = _text_of(*arguments) if small else await asyncio.to_thread(_text_of, *arguments)
        return text, min(rows[-1].next_sequence, before)


def _holding(segments: Sequence[Segment], sequence: int) -> Segment | None:
    return next((s for s in segments if s.first_sequence <= sequence < s.next_sequence), None)


def _text_of(rows: Sequence[EventRow], first: int, before: int) -> bytes:
    return b",".join(_row_text(row, first, before) for row in rows)


def _row_text(row: EventRow, first: int, before: int) -> bytes:
    text = inner_text(inflate(row.data, row.codec))
    if first <= row.first_sequence and row.next_sequence <= before:
        return text
    return cut_events(text, max(first - row.first_sequence, 0), before - row.first_sequence)
