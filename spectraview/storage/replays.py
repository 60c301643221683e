"""Finds and reads what a replay is made of, but for the bytes of segments."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.database import Reads
from spectraview.storage.models import Codec

_PAGE_BYTES = 2_097_152
_RECORDS = 100

_RECORD_QUERIES = {
    "custom_events": queries.FETCH_CUSTOM_EVENT_PAGE,
    "errors": queries.FETCH_ERROR_PAGE,
}


@dataclass(frozen=True, slots=True)
class EventRow:
    """The events of a batch as they are stored."""

    first_sequence: int
    event_count: int
    codec: Codec
    data: bytes = field(repr=False)

    @property
    def next_sequence(self) -> int:
        """Return the sequence that follows its last event."""
        return self.first_sequence + self.event_count


class ReplayStore:
    """Reads one session's events by their sequences: one method a statement."""

    def __init__(self, database: Reads) -> None:
        self._database = database

    async def find_keyframe(
        self, session_id: UUID, day: date, timestamp: int, before_sequence: int
    ) -> int | None:
        """Return the sequence of the newest keyframe at or before a time."""
        row = await self._database.fetch_one(
            queries.FIND_KEYFRAME,
            {
                "session_id": session_id,
                "day": day,
                "timestamp": timestamp,
                "before_sequence": before_sequence,
            },
        )
        return row[0] if row else None

    async def find_last_span(
        self, session_id: UUID, day: date, timestamp: int, before_sequence: int
    ) -> tuple[int, int] | None:
        """Return first and next sequence of the last segment or batch, among those that begin
        before a sequence, with an event at or before a time.
        """
        row = await self._database.fetch_one(
            queries.FIND_LAST_SPAN,
            {
                "session_id": session_id,
                "day": day,
                "timestamp": timestamp,
                "before_sequence": before_sequence,
            },
        )
        return (row[0], row[1]) if row else None

    async def count_batches_before(self, session_id: UUID, day: date, sequence: int) -> int:
        """Return how many batches begin before a sequence."""
        row = await self._database.fetch_one(
            queries.COUNT_BATCHES_BEFORE,
            {"session_id": session_id, "day": day, "sequence": sequence},
        )
        return int(row[0]) if row else 0

    async def measure_events(self, session_id: UUID, day: date) -> int:
        """Return the bytes of JSON that the session's events are."""
        row = await self._database.fetch_one(
            queries.MEASURE_EVENTS, {"session_id": session_id, "day": day}
        )
        return int(row[0]) if row else 0

    async def fetch_events(
        self, session_id: UUID, day: date, sequence: int, before_sequence: int
    ) -> list[EventRow]:
        """Return the next batches that are not sealed, from the one that holds a sequence: some
        megabytes of JSON, at least one batch.
        """
        rows = await self._database.fetch_all(
            queries.FETCH_EVENTS,
            {
                "session_id": session_id,
                "day": day,
                "sequence": sequence,
                "before_sequence": before_sequence,
                "page_bytes": _PAGE_BYTES,
            },
        )
        return [EventRow(row[0], row[1], row[2], bytes(row[3])) for row in rows]

    async def records(
        self,
        kind: Literal["custom_events", "errors"],
        session_id: UUID,
        day: date,
        after_batch: int,
        through_batch: int,
    ) -> AsyncIterator[list[bytes]]:
        """Yield the JSON of the custom events or errors of a run of batches, in pages."""
        place: tuple[int, int] = (after_batch + 1, -1)
        while True:
            rows = await self._database.fetch_all(
                _RECORD_QUERIES[kind],
                {
                    "session_id": session_id,
                    "day": day,
                    "after_batch": place[0],
                    "after_id": place[1],
                    "through_batch": through_batch,
                    "limit": _RECORDS,
                },
            )
            yield [row[2].encode() for row in rows]
            if len(rows) < _RECORDS:
                return
            place = (rows[-1][0], rows[-1][1])
