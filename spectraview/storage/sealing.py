"""What sealing reads and writes: ended sessions, their batches, and the segments in their place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.arrays import Bytea, plain_array
from spectraview.storage.database import Database, Row
from spectraview.storage.models import Codec, Position
from spectraview.storage.segments import Segment, SegmentBatches


@dataclass(frozen=True, slots=True)
class ClaimedSession:
    """An ended session that is this process's to seal for a while."""

    session_id: UUID
    day: date
    sealed_batch_count: int
    batch_count: int


@dataclass(frozen=True, slots=True)
class UnsealedBatch:
    """A batch as it is stored, with all that its segment will tell of it."""

    batch_number: int
    first_sequence: int
    event_count: int
    custom_event_count: int
    error_count: int
    first_timestamp: int
    last_timestamp: int
    size_bytes: int
    codec: Codec
    event_data: bytes = field(repr=False)
    event_types: tuple[int, ...]
    keyframe_sequences: tuple[int, ...]
    keyframe_timestamps: tuple[int, ...]
    marks: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Removal:
    """The batches that a segment is to replace: after which, how many, and what they hold."""

    after: Position
    batches: int
    events: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment that is to be stored; `replaces` is the digest of the smaller one that it grew
    from. The clicks are all of the session up to its end.
    """

    segment: Segment
    batches: SegmentBatches
    event_types: tuple[int, ...]
    marks: bytes = field(repr=False)
    rage_clicks: int
    dead_clicks: int
    event_data: Bytea = field(repr=False)
    removal: Removal
    replaces: bytes | None = field(default=None, repr=False)


class SealingStore:
    """Takes ended sessions and seals them; one method a statement."""

    def __init__(self, database: Database, *, lease: float) -> None:
        self._database = database
        self._lease = lease

    async def claim_unsealed(self, sessions: int, seal_after: float) -> list[ClaimedSession]:
        """Take at most so many sessions that ended, and got their last batch, so long ago; nobody
        else gets them for the time of the lease.
        """
        rows = await self._database.fetch_all(
            queries.CLAIM_UNSEALED,
            {"sessions": sessions, "seal_after": seal_after, "lease": self._lease},
        )
        return [ClaimedSession(*row) for row in rows]

    async def count_unsealed(self) -> int:
        """Return how many sessions have ended and are not sealed."""
        row = await self._database.fetch_one(queries.COUNT_UNSEALED)
        return int(row[0]) if row else 0

    async def sum_unsealed(self, session: ClaimedSession) -> int:
        """Return the bytes of JSON of the batches that the session had when it was claimed."""
        row = await self._database.fetch_one(
            queries.SUM_UNSEALED,
            {
                "session_id": session.session_id,
                "day": session.day,
                "through_batch": session.batch_count,
            },
        )
        return int(row[0]) if row else 0

    async def fetch_unsealed(
        self, session: ClaimedSession, after: Position, page_bytes: int
    ) -> list[UnsealedBatch]:
        """Return the next page of the batches that the session had when it was claimed."""
        rows = await self._database.fetch_all(
            queries.FETCH_UNSEALED,
            {
                "session_id": session.session_id,
                "day": session.day,
                "sequence": after.sequence,
                "after_batch": after.batch_number,
                "through_batch": session.batch_count,
                "page_bytes": page_bytes,
            },
        )
        return [_unsealed_from_row(row) for row in rows]

    async def seal_segment(self, session: ClaimedSession, new: NewSegment) -> bool:
        """Put a segment in the place of its batches. False, and nothing is done, when they are
        sealed already, or the session goes on or is gone.

        Raises StatementRefused when the batches are not those that the segment holds.
        """
        row = await self._database.fetch_one(
            queries.SEAL_SEGMENT,
            {
                "session_id": session.session_id,
                "day": session.day,
                "lease": self._lease,
                "replaced_digest": new.replaces,
                "event_types": plain_array(new.event_types),
                "marks": new.marks,
                "rage_clicks": new.rage_clicks,
                "dead_clicks": new.dead_clicks,
                "event_data": new.event_data,
                **_removal_parameters(new.removal),
                **_segment_parameters(new.segment),
                **_batch_parameters(new.batches),
            },
        )
        return row is not None

    async def list_marks(self, session: ClaimedSession) -> list[tuple[int, bytes]]:
        """Return the first sequence and the marks of each of the session's segments."""
        rows = await self._database.fetch_all(
            queries.LIST_SEGMENT_MARKS, {"session_id": session.session_id, "day": session.day}
        )
        return [(row[0], bytes(row[1])) for row in rows]

    async def add_keyframes(self, session: ClaimedSession, segment: Segment) -> None:
        """List the keyframes of a stored segment anew."""
        await self._database.fetch_all(
            queries.ADD_KEYFRAMES,
            {
                "session_id": session.session_id,
                "day": session.day,
                "first_batch": segment.first_batch,
                "digest": segment.digest,
                **_keyframe_parameters(segment),
            },
        )

    async def finish_sealing(self, session_id: UUID) -> None:
        """Let go of a session: it is sealed if no batch has come meanwhile."""
        await self._database.fetch_all(queries.FINISH_SEALING, {"session_id": session_id})

    async def postpone_sealing(self, session_id: UUID, seconds: float) -> None:
        """Leave a session unsealed for a while."""
        await self._database.fetch_all(
            queries.POSTPONE_SEALING, {"session_id": session_id, "seconds": seconds}
        )


def _unsealed_from_row(row: Row) -> UnsealedBatch:
    *numbers, event_data, types, sequences, timestamps, marks = row
    arrays = (tuple(types), tuple(sequences), tuple(timestamps))
    return UnsealedBatch(*numbers, bytes(event_data), *arrays, bytes(marks))  # type: ignore[call-arg]


def _removal_parameters(removal: Removal) -> dict[str, object]:
    return {
        "sealed_batch_count": removal.after.batch_number,
        "removed_sequence": removal.after.sequence,
        "removed_batches": removal.batches,
        "removed_events": removal.events,
        "removed_bytes": removal.size_bytes,
    }


def _segment_parameters(segment: Segment) -> dict[str, object]:
    return {
        "first_batch": segment.first_batch,
        "last_batch": segment.last_batch,
        "first_sequence": segment.first_sequence,
        "next_sequence": segment.next_sequence,
        "event_count": segment.event_count,
        "first_timestamp": segment.first_timestamp,
        "last_timestamp": segment.last_timestamp,
        "size_bytes": segment.size_bytes,
        "stored_bytes": segment.stored_bytes,
        "digest": segment.digest,
        **_keyframe_parameters(segment),
    }


def _keyframe_parameters(segment: Segment) -> dict[str, object]:
    return {
        "keyframe_sequences": plain_array(segment.keyframe_sequences),
        "keyframe_timestamps": plain_array(segment.keyframe_timestamps),
        "keyframe_offsets": plain_array(segment.keyframe_offsets),
    }


def _batch_parameters(batches: SegmentBatches) -> dict[str, object]:
    columns: dict[str, Sequence[int]] = {
        "batch_event_counts": batches.event_counts,
        "batch_custom_event_counts": batches.custom_event_counts,
        "batch_error_counts": batches.error_counts,
        "batch_offsets": batches.offsets,
    }
    return {name: plain_array(values) for name, values in columns.items()}
