"""Cuts a session into parts that a player fetches one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spectraview.storage.spans import Span

_ENOUGH_BYTES = 1_048_576
_MANY_BYTES = 4_194_304


@dataclass(frozen=True, slots=True)
class Part:
    """A run of events.

    Where it begins or ends within a batch its size is an estimate, and its last timestamp may be
    that of the batch.
    """

    first_sequence: int
    next_sequence: int
    first_timestamp: int
    last_timestamp: int
    size_bytes: int

    def joined(self, other: "Part") -> "Part":
        """Return this part with the one that follows it."""
        return Part(
            self.first_sequence,
            other.next_sequence,
            min(self.first_timestamp, other.first_timestamp),
            max(self.last_timestamp, other.last_timestamp),
            self.size_bytes + other.size_bytes,
        )


def cut_parts(spans: Sequence[Span]) -> list[Part]:
    """Return each segment as a part, and batches in runs of 1 to 4 MB, cut at keyframes where there
    are some.
    """
    parts: list[Part] = []
    growing = False
    for span in spans:
        for piece, begins_at_keyframe in _pieces(span):
            enough = _ENOUGH_BYTES if begins_at_keyframe else _MANY_BYTES
            if growing and not span.sealed and parts[-1].size_bytes < enough:
                parts[-1] = parts[-1].joined(piece)
            else:
                parts.append(piece)
            growing = not span.sealed
    return parts


def _pieces(span: Span) -> Iterator[tuple[Part, bool]]:
    """Yield a span's events, a batch's cut at its first keyframe, and whether one begins there."""
    if span.first_timestamp is None or span.last_timestamp is None:
        return
    inside = [place for place in span.keyframes if place[0] >= span.first_sequence]
    sequence, timestamp = inside[0] if inside else (span.first_sequence, span.first_timestamp)
    whole = Part(
        span.first_sequence,
        span.next_sequence,
        span.first_timestamp,
        span.last_timestamp,
        span.size_bytes,
    )
    if span.sealed or sequence == span.first_sequence:
        yield whole, bool(inside)
        return
    before = span.size_bytes * (sequence - span.first_sequence) // span.event_count
    yield Part(whole.first_sequence, sequence, whole.first_timestamp, timestamp, before), False
    rest = span.size_bytes - before
    yield Part(sequence, whole.next_sequence, timestamp, whole.last_timestamp, rest), True
