"""What is noted of a batch's events for the manifest, so that nobody has to read them again."""

import zlib
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

import msgspec
from msgspec import Struct

DEAD_AFTER: Final = 3000
"""Milliseconds without any reaction of the page after which a click was dead."""

MOST_SECONDS: Final = 20_000
MOST_CLICKS: Final = 10_000
MOST_PAGES: Final = 2_000
"""What the marks of several batches hold at the most; what comes later is left out."""

_RAGE_CLICKS: Final = 3
_RAGE_SPAN: Final = 1000
_RAGE_DISTANCE: Final = 30
_DEFLATED: Final = 0x78  # no msgpack array of few members begins like this
_DEFLATE_FROM: Final = 512


class ClickMark(Struct, array_like=True, gc=False):
    """A click; `offset` counts from the first event of what is marked.

    `reaction` is the timestamp of the first thing that the page did after the button went down.
    """

    offset: int
    timestamp: int
    x: int | None
    y: int | None
    node_id: int | None
    reaction: int | None = None


class PageMark(Struct, array_like=True, gc=False):
    """A Meta event with another address than the one before."""

    offset: int
    timestamp: int
    href: str


class Marks(Struct, array_like=True):
    """What is noted of one batch or of several that follow each other.

    `activity` counts what the user did in each second since 1970 (by the events' milliseconds),
    `reaction` is the timestamp of the first reaction of the page to whatever came before.
    """

    activity: dict[int, int] = msgspec.field(default_factory=dict)
    clicks: list[ClickMark] = msgspec.field(default_factory=list)
    pages: list[PageMark] = msgspec.field(default_factory=list)
    reaction: int | None = None
    truncated: bool = False


class RageClicks(Struct, frozen=True):
    """Clicks in quick succession on one spot: when and where they began, and how many."""

    timestamp: int
    x: int
    y: int
    clicks: int


class _Stored(Struct, array_like=True):
    """Marks as they are stored: `activity` has differences of seconds, each before its count."""

    activity: list[int]
    clicks: list[ClickMark]
    pages: list[PageMark]
    reaction: int | None
    truncated: bool


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Stored)
_NOTHING = Marks()


def encode_marks(marks: Marks) -> bytes:
    """Return the marks as they are stored; nothing for no marks."""
    if marks == _NOTHING:
        return b""
    activity: list[int] = []
    before = 0
    for second in sorted(marks.activity):
        activity += (second - before, marks.activity[second])
        before = second
    stored = _Stored(activity, marks.clicks, marks.pages, marks.reaction, marks.truncated)
    packed = _ENCODER.encode(stored)
    return packed if len(packed) < _DEFLATE_FROM else zlib.compress(packed)


def decode_marks(data: bytes) -> Marks:
    """Return the marks that were stored."""
    if not data:
        return Marks()
    stored = _DECODER.decode(zlib.decompress(data) if data[0] == _DEFLATED else data)
    seconds = accumulate(stored.activity[::2])
    activity = dict(zip(seconds, stored.activity[1::2], strict=True))
    return Marks(activity, stored.clicks, stored.pages, stored.reaction, stored.truncated)


def merge_marks(marked: Iterable[tuple[int, bytes]]) -> bytes:
    """Join the marks of batches or segments, each with the sequence of its first event, in order.

    Offsets count from the first of those sequences.
    """
    return encode_marks(join_marks(marked))


def join_marks(marked: Iterable[tuple[int, bytes]]) -> Marks:
    """Join marks likewise, and return them decoded."""
    joined = Marks()
    first: int | None = None
    waiting: list[ClickMark] = []
    for sequence, data in marked:
        first = sequence if first is None else first
        marks = decode_marks(data)
        if marks.reaction is not None:
            for click in waiting:
                click.reaction = marks.reaction
            waiting.clear()
        waiting += [click for click in marks.clicks if click.reaction is None]
        _add(joined, marks, sequence - first)
    return joined


def _add(joined: Marks, marks: Marks, shift: int) -> None:
    joined.truncated |= marks.truncated
    if joined.reaction is None:
        joined.reaction = marks.reaction
    for second, count in marks.activity.items():
        if second in joined.activity or len(joined.activity) < MOST_SECONDS:
            joined.activity[second] = joined.activity.get(second, 0) + count
        else:
            joined.truncated = True
    for click in marks.clicks:
        click.offset += shift
    joined.clicks += marks.clicks
    for page in marks.pages:
        if not joined.pages or joined.pages[-1].href != page.href:
            page.offset += shift
            joined.pages.append(page)
    joined.truncated |= len(joined.clicks) > MOST_CLICKS or len(joined.pages) > MOST_PAGES
    del joined.clicks[MOST_CLICKS:], joined.pages[MOST_PAGES:]


def rage_clicks(marks: Marks | bytes) -> list[RageClicks]:
    """Return where three or more clicks came within a second and 30 pixels, in order of time."""
    clicks = [
        (click.timestamp, click.x, click.y)
        for click in _decoded(marks).clicks
        if click.x is not None and click.y is not None
    ]
    clicks.sort(key=lambda click: click[0])
    found: list[RageClicks] = []
    start = 0
    while start <= len(clicks) - _RAGE_CLICKS:
        end = start + _RAGE_CLICKS
        if not _are_rage(clicks[start:end]):
            start += 1
            continue
        while end < len(clicks) and _are_rage(clicks[end - _RAGE_CLICKS + 1 : end + 1]):
            end += 1
        found.append(RageClicks(*clicks[start], end - start))
        start = end
    return found


def _are_rage(clicks: Sequence[tuple[int, int, int]]) -> bool:
    timestamp, x, y = clicks[0]
    return clicks[-1][0] - timestamp <= _RAGE_SPAN and all(
        (click[1] - x) ** 2 + (click[2] - y) ** 2 <= _RAGE_DISTANCE**2 for click in clicks
    )


def dead_clicks(marks: Marks | bytes) -> list[ClickMark]:
    """Return the clicks to which the page did not react in time, though it was recorded on.

    What comes at the end of a recording tells nothing: the page may have gone.
    """
    marks = _decoded(marks)
    latest = _latest(marks) if marks.clicks else 0
    return [
        click
        for click in marks.clicks
        if (latest if click.reaction is None else click.reaction) > click.timestamp + DEAD_AFTER
    ]


def _latest(marks: Marks) -> int:
    """Return a time until which the session was surely recorded."""
    noted = [click.timestamp for click in marks.clicks]
    noted += [page.timestamp for page in marks.pages]
    if marks.activity:
        noted.append(1000 * max(marks.activity))
    return max(noted)


def _decoded(marks: Marks | bytes) -> Marks:
    return decode_marks(marks) if isinstance(marks, bytes) else marks
