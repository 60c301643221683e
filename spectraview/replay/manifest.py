"""The manifest: where something happens in a session, told without reading its events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from spectraview.replay.parts import Part, cut_parts
from spectraview.storage.marks import (
    ClickMark,
    PageMark,
    RageClicks,
    dead_clicks,
    join_marks,
    rage_clicks,
)
from spectraview.storage.spans import CustomEventMark, ErrorMark, Span

MOST_MARKERS = 1000
"""Entries of a list; what is more is left out."""

_MOST_KEYFRAMES = 5000
_MOST_CLICKS = 5000
_MOST_INTERVALS = 300
_SECOND = 1000
_IDLE = 10_000
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class Activity:
    """How often the user did something in each interval; times in milliseconds."""

    start_timestamp: int | None
    interval: int
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a session holds, up to and with batch `version`."""

    version: int
    sealed: bool
    events: int
    size_bytes: int
    start_timestamp: int | None
    end_timestamp: int | None
    parts: Sequence[Part]
    keyframes: Sequence[tuple[int, int]]
    activity: Activity
    idle: Sequence[tuple[int, int]]
    pages: Sequence[PageMark]
    clicks: Sequence[ClickMark]
    rage_clicks: Sequence[RageClicks]
    dead_clicks: Sequence[ClickMark]
    errors: Sequence[ErrorMark]
    custom_events: Sequence[CustomEventMark]
    truncated: bool


class _Bounds:
    """Bounds lists, and remembers whether one was too long."""

    def __init__(self, truncated: bool) -> None:
        self.truncated = truncated

    def first(self, entries: Sequence[_Entry], most: int = MOST_MARKERS) -> Sequence[_Entry]:
        self.truncated |= len(entries) > most
        return entries[:most]


def make_manifest(
    spans: Sequence[Span], errors: Sequence[ErrorMark], custom_events: Sequence[CustomEventMark]
) -> Manifest:
    """Put together what was noted when the batches came."""
    marks = join_marks((span.first_sequence, span.marks) for span in spans)
    start = min(_present(span.first_timestamp for span in spans), default=None)
    end = max(_present(span.last_timestamp for span in spans), default=None)
    bounds = _Bounds(marks.truncated)
    return Manifest(
        version=spans[-1].last_batch if spans else 0,
        sealed=bool(spans) and all(span.sealed for span in spans),
        events=sum(span.event_count for span in spans),
        size_bytes=sum(span.size_bytes for span in spans),
        start_timestamp=start,
        end_timestamp=end,
        parts=cut_parts(spans),
        keyframes=bounds.first([place for s in spans for place in s.keyframes], _MOST_KEYFRAMES),
        activity=_count_activity(marks.activity, start, end),
        idle=bounds.first(list(_find_idle(sorted(marks.activity), start, end))),
        pages=bounds.first(marks.pages),
        clicks=bounds.first(marks.clicks, _MOST_CLICKS),
        rage_clicks=bounds.first(rage_clicks(marks)),
        dead_clicks=bounds.first(dead_clicks(marks)),
        errors=bounds.first(errors),
        custom_events=bounds.first(custom_events),
        truncated=bounds.truncated,
    )


def _present(timestamps: Iterable[int | None]) -> Iterator[int]:
    return (timestamp for timestamp in timestamps if timestamp is not None)


def _count_activity(activity: Mapping[int, int], start: int | None, end: int | None) -> Activity:
    """Return the histogram: intervals of whole seconds, as many as cover the session."""
    if start is None or end is None:
        return Activity(None, _SECOND, ())
    first, last = start // _SECOND, end // _SECOND
    seconds = -((first - last - 1) // _MOST_INTERVALS)
    counts = [0] * -((first - last - 1) // seconds)
    for second, count in activity.items():
        counts[(second - first) // seconds] += count
    return Activity(first * _SECOND, seconds * _SECOND, counts)


def _find_idle(
    seconds: Sequence[int], start: int | None, end: int | None
) -> Iterator[tuple[int, int]]:
    """Yield from when to when the user did nothing for ten seconds or longer."""
    if start is None or end is None:
        return
    active = [(second * _SECOND, (second + 1) * _SECOND) for second in seconds]
    for before, after in pairwise([(start, start), *active, (end, end)]):
        if after[0] - before[1] >= _IDLE:
            yield before[1], after[0]
