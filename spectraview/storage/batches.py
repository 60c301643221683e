"""The batches of a session, whether they lie in rows of their own or, sealed, in segments."""

from datetime import date
from uuid import UUID

from spectraview.storage.batch_store import BatchStore
from spectraview.storage.database import Database
from spectraview.storage.models import Position, StoredBatch
from spectraview.storage.segment_data import DecodedSegments, SegmentData, SegmentMissing
from spectraview.storage.segments import Segment, SegmentBatches, SegmentStore

_TRIES = 5
"""A segment that grows between two looks is found at the next: it took a batch that came late."""


class BatchReader:
    """Reads pages of batches; sealing may go on between two pages and in the middle of one."""

    def __init__(self, database: Database, data: SegmentData) -> None:
        self._rows = BatchStore(database)
        self._segments = SegmentStore(database)
        self._decoded = DecodedSegments(data)

    async def fetch_batches(
        self,
        session_id: UUID,
        day: date,
        after: Position,
        through_batch: int,
        page_bytes: int,
        *,
        within: float | None = None,
    ) -> list[StoredBatch]:
        """Return the next page of batches, in order: as many as hold `page_bytes` of JSON, at least
        one; none when there is none.

        Rows first: what is no longer there is in a segment. Raises CorruptData and
        DatabaseUnavailable.
        """
        for _ in range(_TRIES):
            rows = await self._rows.fetch_batches(
                session_id, day, after, through_batch, page_bytes, within=within
            )
            if rows and rows[0].batch_number == after.batch_number + 1:
                return rows
            found = await self._segments.find_segment(
                session_id, day, after.batch_number + 1, within=within
            )
            if found is None or after.batch_number >= through_batch:
                return []
            try:
                json = await self._decoded.read(session_id, day, found[0])
            except SegmentMissing:
                continue
            page = _cut_page(*found, json, after.batch_number, through_batch, page_bytes)
            return await self._with_lists(session_id, day, *found, page)
        return []

    async def _with_lists(
        self,
        session_id: UUID,
        day: date,
        segment: Segment,
        batches: SegmentBatches,
        page: list[StoredBatch],
    ) -> list[StoredBatch]:
        place = page[0].batch_number - segment.first_batch
        places = slice(place, place + len(page))
        return await self._rows.with_lists(
            session_id,
            day,
            page,
            custom_events=any(batches.custom_event_counts[places]),
            errors=any(batches.error_counts[places]),
        )


def _cut_page(
    segment: Segment,
    batches: SegmentBatches,
    json: bytes,
    after_batch: int,
    through_batch: int,
    page_bytes: int,
) -> list[StoredBatch]:
    """Cut batches out of a segment's JSON."""
    first = after_batch + 1 - segment.first_batch
    through = min(through_batch, segment.last_batch) + 1 - segment.first_batch
    sequence = segment.first_sequence + sum(batches.event_counts[:first])
    page: list[StoredBatch] = []
    size = 0
    for place in range(first, through):
        if page and size >= page_bytes:
            break
        text, events = batches.text_of(place, json), batches.event_counts[place]
        data = b"[%s]" % text if events else b""
        page.append(
            StoredBatch(segment.first_batch + place, sequence, events, "identity", data),
        )
        sequence += events
        size += len(data)
    return page
