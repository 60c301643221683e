"""Cuts the JSON of events, which stand between commas, at single events."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from spectraview.storage.codec import mask_surrogates, split_events
from spectraview.storage.segments import Segment, SegmentBatches


class _Stamped(Struct, gc=False):
    timestamp: int | float


_STAMPS = msgspec.json.Decoder(list[_Stamped])


@dataclass(frozen=True, slots=True)
class SegmentLayout:
    """Where the batches that have events lie in a segment's JSON: first sequences and bytes, each
    with the segment's end for the last; a text ends with the comma before the next.
    """

    sequences: Sequence[int]
    offsets: Sequence[int]

    @classmethod
    def of(cls, segment: Segment, batches: SegmentBatches) -> "SegmentLayout":
        """Return the layout of a segment."""
        sequences, offsets = [], []
        sequence = segment.first_sequence
        for events, offset in zip(batches.event_counts, batches.offsets, strict=True):
            if events:
                sequences.append(sequence)
                offsets.append(offset)
            sequence += events
        return cls([*sequences, sequence], [*offsets, segment.size_bytes + 1])

    def places(self, first: int, before: int) -> tuple[int, int]:
        """Return the places of the batches that hold the first and the last of some events."""
        return bisect_right(self.sequences, first) - 1, bisect_left(self.sequences, before) - 1

    def bounds(self, first: int, before: int) -> tuple[int, int]:
        """Return from where to where the batches reach that hold some events."""
        start, end = self.places(first, before)
        return self.offsets[start], self.offsets[end + 1] - 1

    def cut(self, text: bytes, first: int, before: int) -> bytes:
        """Return these events, given the text within their bounds; only the batches at both ends
        are split.
        """
        start, end = self.places(first, before)
        base = self.offsets[start]
        skipped, kept = first - self.sequences[start], before - self.sequences[end]
        if start == end:
            return cut_events(text, skipped, kept) if self._splits(start, skipped, kept) else text
        second, last = self.offsets[start + 1] - base, self.offsets[end] - base
        parts = [cut_events(text[: second - 1], skipped) if skipped else text[: second - 1]]
        if second < last:
            parts.append(text[second : last - 1])
        splits = self._splits(end, 0, kept)
        parts.append(cut_events(text[last:], 0, kept) if splits else text[last:])
        return b",".join(parts)

    def find_last(self, text: bytes, timestamp: int, before: int) -> int | None:
        """Return the sequence of the last event before a sequence that is not after a time, given
        the whole JSON.
        """
        for place in range(bisect_left(self.sequences, before) - 1, -1, -1):
            sequence = self.sequences[place]
            batch = text[self.offsets[place] : self.offsets[place + 1] - 1]
            found = find_last(batch, timestamp, before - sequence)
            if found is not None:
                return sequence + found
        return None

    def _splits(self, place: int, skipped: int, kept: int) -> bool:
        count = self.sequences[place + 1] - self.sequences[place]
        return skipped > 0 or kept < count


def cut_events(text: bytes, first: int, before: int | None = None) -> bytes:
    """Return the events from the place `first` to before `before`, each exactly as it is."""
    return b",".join(split_events(b"[%b]" % text)[first:before])


def find_last(text: bytes, timestamp: int, events: int) -> int | None:
    """Return the place of the last of the first `events` events that is not after a time."""
    array = b"[%b]" % text
    try:
        stamps = _STAMPS.decode(array)
    except msgspec.DecodeError:
        stamps = _STAMPS.decode(mask_surrogates(array))
    places = range(min(events, len(stamps)) - 1, -1, -1)
    return next((place for place in places if stamps[place].timestamp <= timestamp), None)
