"""Merges batches into a segment: decides where it ends, and checks that nothing is lost."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import accumulate

from spectraview.storage.arrays import Bytea
from spectraview.storage.codec import CorruptData, TooLarge, find_events, inflate, inner_text
from spectraview.storage.marks import dead_clicks, join_marks, merge_marks, rage_clicks
from spectraview.storage.models import Position
from spectraview.storage.sealing import NewSegment, Removal, UnsealedBatch
from spectraview.storage.segments import Segment, SegmentBatches
from spectraview.storage.zstd import check, compress


@dataclass(frozen=True, slots=True)
class SegmentSizes:
    """Where segments end, in bytes of JSON: before a keyframe from `least` on, unless all that is
    left fits in; else at `most`, which only a single batch exceeds. One of up to `small` takes in
    what comes late.
    """

    least: int = 12_582_912
    most: int = 20_971_520
    small: int = 1_048_576
    batches: int = 4096


StoredSegment = tuple[Segment, SegmentBatches, bytes]
"""A segment, what its batches hold, and its JSON."""

Marked = tuple[int, bytes]
"""A first sequence, and marks whose offsets count from there."""


class SegmentBuilder:
    """Takes batches that follow one another, and makes a segment of them.

    `left_bytes` are those of all batches to come, `marked` the marks of the segments before it.
    With `grown` it goes on where a stored segment ends, and makes one that replaces it; the last of
    `marked` are that one's. `earlier_keyframes` are timestamps by sequence, of keyframes whose Meta
    lies in an earlier segment.
    """

    def __init__(
        self,
        after: Position,
        sizes: SegmentSizes,
        left_bytes: int,
        marked: Sequence[Marked] = (),
        grown: StoredSegment | None = None,
    ) -> None:
        self.position = after
        self.earlier_keyframes: dict[int, int] = {}
        self._sizes = sizes
        self.left_bytes = left_bytes
        self._after = after
        self._first = after
        self._json = bytearray()
        self._columns: list[tuple[int, int, int, int]] = []
        self._types: set[int] = set()
        self._timestamps: list[int] = []
        self._keyframes: dict[int, tuple[int, int]] = {}
        self._taken_bytes = 0
        self._replaces: bytes | None = None
        self.marked = list(marked)
        self._marked: list[Marked] = []
        if grown:
            self._grow(*grown)

    def _grow(self, segment: Segment, batches: SegmentBatches, json: bytes) -> None:
        self._first = Position(segment.first_batch - 1, segment.first_sequence)
        self._json += json
        self._columns = list(
            zip(
                batches.event_counts,
                batches.custom_event_counts,
                batches.error_counts,
                batches.offsets,
                strict=True,
            )
        )
        self._timestamps = [
            t for t in (segment.first_timestamp, segment.last_timestamp) if t is not None
        ]
        places = zip(segment.keyframe_timestamps, segment.keyframe_offsets, strict=True)
        self._keyframes = dict(zip(segment.keyframe_sequences, places, strict=True))
        self._replaces = segment.digest
        self._marked = [self.marked.pop()]

    def take_all(self, batches: Iterable[UnsealedBatch]) -> bool:
        """Take batches up to the first that is to begin another segment; tell whether none was."""
        return all(map(self.take, batches))

    def take(self, batch: UnsealedBatch) -> bool:
        """Take the next batch; False when it is to begin another segment.

        Raises CorruptData when the batch is not what its row says.
        """
        if self._columns and not self._has_room(batch):
            return False
        if Position(batch.batch_number - 1, batch.first_sequence) != self.position:
            raise CorruptData(f"batch {self.position.batch_number + 1} is missing")
        text = _text_of(batch)
        starts = find_events(text)
        if len(starts) != batch.event_count:
            raise CorruptData(f"batch {batch.batch_number} holds {len(starts)} events")
        self._append(batch, text)
        self._note_keyframes(batch)
        return True

    def _has_room(self, batch: UnsealedBatch) -> bool:
        size, sizes = len(self._json), self._sizes
        if len(self._columns) >= sizes.batches or size + batch.size_bytes > sizes.most:
            return False
        begins_keyframe = any(s >= batch.first_sequence for s in batch.keyframe_sequences)
        fits = size + self.left_bytes <= sizes.most
        return fits or size < sizes.least or not begins_keyframe

    def _append(self, batch: UnsealedBatch, text: bytes) -> None:
        offset = len(self._json) + 1 if self._json else 0
        self._columns.append(
            (batch.event_count, batch.custom_event_count, batch.error_count, offset)
        )
        if text:
            self._json += b"," + text if self._json else text
            self._timestamps += (batch.first_timestamp, batch.last_timestamp)
        self._types.update(batch.event_types)
        self._marked.append((batch.first_sequence, batch.marks))
        self._taken_bytes += batch.size_bytes
        self.left_bytes -= batch.size_bytes
        self.position = Position(batch.batch_number, batch.first_sequence + batch.event_count)

    def _note_keyframes(self, batch: UnsealedBatch) -> None:
        """Note where a batch's keyframes begin: maybe in an earlier batch, which ended with the
        Meta.
        """
        for sequence, timestamp in zip(
            batch.keyframe_sequences, batch.keyframe_timestamps, strict=True
        ):
            if sequence < self._first.sequence:
                self.earlier_keyframes.setdefault(sequence, timestamp)
            elif sequence not in self._keyframes:
                place = _find_event(self._json, self._first.sequence, self._batches(), sequence)
                self._keyframes[sequence] = (timestamp, place)

    def _batches(self) -> SegmentBatches:
        return SegmentBatches(*zip(*self._columns, strict=True))

    @property
    def size_bytes(self) -> int:
        """Return the bytes of JSON that were taken."""
        return len(self._json)

    def compress(self) -> bytes:
        """Return a frame with the JSON of all that was taken."""
        return compress(self._json)

    def build(self, frame: bytes) -> NewSegment:
        """Return the segment, after comparing what the frame holds. Raises CorruptData."""
        check(frame, self._json)
        keyframes = sorted((s, *place) for s, place in self._keyframes.items())
        marks = merge_marks(self._marked)
        joined = join_marks([*self.marked, (self._first.sequence, marks)])
        sequences, timestamps, offsets = zip(*keyframes, strict=True) if keyframes else ((),) * 3
        segment = Segment(
            first_batch=self._first.batch_number + 1,
            last_batch=self.position.batch_number,
            first_sequence=self._first.sequence,
            event_count=self.position.sequence - self._first.sequence,
            first_timestamp=min(self._timestamps, default=None),
            last_timestamp=max(self._timestamps, default=None),
            size_bytes=len(self._json),
            stored_bytes=len(frame),
            digest=sha256(frame).digest(),
            keyframe_sequences=sequences,
            keyframe_timestamps=timestamps,
            keyframe_offsets=offsets,
            object_key=None,
        )
        return NewSegment(
            segment=segment,
            batches=self._batches(),
            event_types=tuple(sorted(self._types)),
            marks=marks,
            rage_clicks=len(rage_clicks(joined)),
            dead_clicks=len(dead_clicks(joined)),
            event_data=Bytea(frame),
            removal=Removal(
                self._after,
                self.position.batch_number - self._after.batch_number,
                self.position.sequence - self._after.sequence,
                self._taken_bytes,
            ),
            replaces=self._replaces,
        )


def with_keyframe(stored: StoredSegment, sequence: int, timestamp: int) -> Segment:
    """Return a segment that lists one more keyframe, which begins in it."""
    segment, batches, json = stored
    keyframes = dict(
        zip(
            segment.keyframe_sequences,
            zip(segment.keyframe_timestamps, segment.keyframe_offsets, strict=True),
            strict=True,
        )
    )
    place = _find_event(json, segment.first_sequence, batches, sequence)
    keyframes.setdefault(sequence, (timestamp, place))
    ordered = sorted(keyframes.items())
    return replace(
        segment,
        keyframe_sequences=tuple(s for s, _ in ordered),
        keyframe_timestamps=tuple(t for _, (t, _) in ordered),
        keyframe_offsets=tuple(o for _, (_, o) in ordered),
    )


def _find_event(
    json: bytes | bytearray, first_sequence: int, batches: SegmentBatches, sequence: int
) -> int:
    """Return where the event with this sequence begins in a segment's JSON."""
    sequences = list(accumulate(batches.event_counts, initial=first_sequence))[:-1]
    index = bisect_right(sequences, sequence) - 1
    text = batches.text_of(index, json)
    return batches.offsets[index] + find_events(text)[sequence - sequences[index]]


def _text_of(batch: UnsealedBatch) -> bytes:
    if not batch.event_data and not batch.event_count:
        return b""
    try:
        raw = inflate(batch.event_data, batch.codec, batch.size_bytes)
    except TooLarge as error:
        raise CorruptData(f"batch {batch.batch_number} is larger than its row says") from error
    if len(raw) != batch.size_bytes:
        raise CorruptData(f"batch {batch.batch_number} holds {len(raw)} bytes")
    return inner_text(raw)
