"""The sealed part of a session: its batches merged into segments of zstd-compressed JSON."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.database import Reads, Row


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment holds: batches `first_batch` to `last_batch`, events from `first_sequence`.

    Its bytes are one zstd frame of `stored_bytes`; inflated, `size_bytes` of JSON: the events with
    commas between them, without brackets. `digest` is the SHA-256 of the frame. Keyframes come as
    sequence, timestamp (client's milliseconds) and byte offset of the Meta in the JSON.
    `object_key` names it in the object store; None while its bytes are in PostgreSQL.
    """

    first_batch: int
    last_batch: int
    first_sequence: int
    event_count: int
    first_timestamp: int | None
    last_timestamp: int | None
    size_bytes: int
    stored_bytes: int
    digest: bytes = field(repr=False)
    keyframe_sequences: tuple[int, ...]
    keyframe_timestamps: tuple[int, ...]
    keyframe_offsets: tuple[int, ...]
    object_key: str | None

    @property
    def next_sequence(self) -> int:
        """Return the sequence that follows its last event."""
        return self.first_sequence + self.event_count


@dataclass(frozen=True, slots=True)
class SegmentBatches:
    """What each batch of a segment holds, and where its events begin in the segment's JSON.

    A batch's text is its JSON array without the brackets and what is around them. The segment's
    JSON is the texts of those batches that have events, with one comma between each two. A batch's
    offset is where its text begins or, when it has no events, where the next text would begin: one
    byte after the comma that would follow all before it.
    """

    event_counts: tuple[int, ...]
    custom_event_counts: tuple[int, ...]
    error_counts: tuple[int, ...]
    offsets: tuple[int, ...]

    def text_of(self, index: int, json: bytes | bytearray) -> bytes:
        """Return the text of the batch at this place (from 0), cut out of the segment's JSON."""
        if not self.event_counts[index]:
            return b""
        last = index + 1 == len(self.offsets)
        return bytes(json[self.offsets[index] : None if last else self.offsets[index + 1] - 1])


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """A segment's zstd frame, or the key of the object that it is."""

    data: bytes | None = field(repr=False)
    object_key: str | None


class SegmentStore:
    """Reads segments: one method a statement."""

    def __init__(self, database: Reads) -> None:
        self._database = database

    async def list_segments(self, session_id: UUID, day: date) -> list[Segment]:
        """Return a session's segments in order; none while it is not sealed."""
        rows = await self._database.fetch_all(
            queries.LIST_SEGMENTS, {"session_id": session_id, "day": day}
        )
        return [_segment_from_row(row) for row in rows]

    async def find_segment(
        self, session_id: UUID, day: date, batch_number: int, *, within: float | None = None
    ) -> tuple[Segment, SegmentBatches] | None:
        """Return the segment that holds a batch; None while no segment does."""
        row = await self._database.fetch_one(
            queries.FIND_SEGMENT,
            {"session_id": session_id, "day": day, "batch_number": batch_number},
            within=within,
        )
        if row is None:
            return None
        return _segment_from_row(row[:-4]), SegmentBatches(*map(tuple, row[-4:]))

    async def fetch_segment_place(
        self, session_id: UUID, day: date, first_batch: int, digest: bytes
    ) -> SegmentPlace | None:
        """Return where a segment's bytes lie; None when there is no such segment any more."""
        row = await self._database.fetch_one(
            queries.FETCH_SEGMENT_DATA,
            {
                "session_id": session_id,
                "day": day,
                "first_batch": first_batch,
                "digest": digest,
            },
        )
        if row is None:
            return None
        return SegmentPlace(None if row[0] is None else bytes(row[0]), row[1])


def _segment_from_row(row: Row) -> Segment:
    *numbers, digest, sequences, timestamps, offsets, object_key = row
    keyframes = (tuple(sequences), tuple(timestamps), tuple(offsets))
    return Segment(*numbers, bytes(digest), *keyframes, object_key)  # type: ignore[call-arg]
