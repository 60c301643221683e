"""What is noted of events while a batch is checked: what the user did, and how the page reacted."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import floor
from operator import itemgetter
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw

from spectraview.ingest.rrweb import (
    CLICK,
    FULL_SNAPSHOT,
    INCREMENTAL,
    META,
    MOUSE_INTERACTION,
    Event,
    EventData,
)
from spectraview.storage.marks import ClickMark, Marks, PageMark

_DOWN: Final = (1, 7)  # MouseDown, TouchStart
_FOCUS: Final = 5
# Mutation, Scroll, Input, Media, StyleSheetRule, Canvas, StyleDeclaration, Selection, AdoptedStyle.
_REACTIONS: Final = frozenset((0, 3, 5, 7, 8, 9, 13, 14, 15))

_MOST_SECONDS: Final = 4096
_MOST_CLICKS: Final = 1000
_MOST_PAGES: Final = 200
_ADDRESS_CHARACTERS: Final = 1000
_ADDRESSES_BYTES: Final = 32_768
_FARTHEST: Final = 1_000_000

_NUMBER = msgspec.json.Decoder(float)
_NODE_ID = msgspec.json.Decoder(Annotated[int, Meta(ge=-1, lt=2**31)])
_TEXT = msgspec.json.Decoder(str)

UserEvent = tuple[int, int | float, EventData]
"""Offset, timestamp and data of something that the user did: rrweb's sources 1 to 5."""


def find_user_events(events: Sequence[Event]) -> list[UserEvent]:
    """Return what rrweb's player takes for activity of the user."""
    return [
        (offset, event.timestamp, event.data)
        for offset, event in enumerate(events)
        if event.data is not None and 0 < event.data.source < 6 and event.type == INCREMENTAL
    ]


def find_clicks(user_events: Iterable[UserEvent]) -> list[UserEvent]:
    """Return the clicks among them."""
    interactions = [found for found in user_events if found[2].source == MOUSE_INTERACTION]
    return [found for found in interactions if found[2].type == CLICK]


def mark_events(
    events: Sequence[Event],
    user_events: Sequence[UserEvent],
    clicks: Sequence[UserEvent],
    metas: Iterable[tuple[int, Event]],
) -> Marks:
    """Note the activity of each second, clicks, pages, and the first reaction; the size of it all
    is bounded, whatever the events are.
    """
    seconds = Counter([timestamp // 1000 for _, timestamp, _ in user_events])
    pages, more_pages = _mark_pages(metas)
    first_reaction = next(_reactions(events), None)
    return Marks(
        activity={int(second): count for second, count in islice(seconds.items(), _MOST_SECONDS)},
        clicks=_mark_clicks(events, user_events, clicks[:_MOST_CLICKS]) if clicks else [],
        pages=pages,
        reaction=first_reaction[1] if first_reaction else None,
        truncated=len(seconds) > _MOST_SECONDS or len(clicks) > _MOST_CLICKS or more_pages,
    )


def _reactions(events: Iterable[Event]) -> Iterator[tuple[int, int]]:
    """Yield offset and timestamp of what the page did: it changed, or was left for another."""
    for offset, event in enumerate(events):
        data = event.data
        if event.type != INCREMENTAL:
            reacted = event.type in (META, FULL_SNAPSHOT)
        else:
            reacted = data is not None and (
                data.source in _REACTIONS
                or (data.source == MOUSE_INTERACTION and data.type == _FOCUS)
            )
        if reacted:
            yield offset, floor(event.timestamp)


def _mark_clicks(
    events: Sequence[Event], user_events: Iterable[UserEvent], clicks: Iterable[UserEvent]
) -> list[ClickMark]:
    """Return the clicks, each with the first reaction since its button went down: a page that
    reacts to that has done so before the click comes.
    """
    reactions = list(_reactions(events))
    begins = _begins(user_events)
    return [
        ClickMark(
            offset,
            floor(timestamp),
            _coordinate(data.x),
            _coordinate(data.y),
            _node_id(data.id),
            _first_after(reactions, begins[offset]),
        )
        for offset, timestamp, data in clicks
    ]


def _begins(user_events: Iterable[UserEvent]) -> dict[int, int]:
    """Return for each click's offset that of its button's going down, or else its own."""
    begins: dict[int, int] = {}
    down: int | None = None
    for offset, _, data in user_events:
        if data.source != MOUSE_INTERACTION:
            continue
        if data.type in _DOWN:
            down = offset
        elif data.type == CLICK:
            begins[offset] = offset if down is None else down
            down = None
    return begins


def _first_after(reactions: Sequence[tuple[int, int]], offset: int) -> int | None:
    place = bisect_right(reactions, offset, key=itemgetter(0))
    return reactions[place][1] if place < len(reactions) else None


def _mark_pages(metas: Iterable[tuple[int, Event]]) -> tuple[list[PageMark], bool]:
    """Return the addresses of pages, each once until there is another, and whether there are more
    than fit.
    """
    pages: list[PageMark] = []
    room = _ADDRESSES_BYTES
    for offset, event in metas:
        href = _address(event.data)
        if href is None or (pages and pages[-1].href == href):
            continue
        room -= len(href.encode())
        if room < 0 or len(pages) == _MOST_PAGES:
            return pages, True
        pages.append(PageMark(offset, floor(event.timestamp), href))
    return pages, False


def _address(data: EventData | None) -> str | None:
    try:
        return _TEXT.decode(data.href)[:_ADDRESS_CHARACTERS] if data else None
    except msgspec.DecodeError:
        return None


def _coordinate(part: Raw) -> int | None:
    try:
        number = _NUMBER.decode(part)
    except msgspec.DecodeError:
        return None
    return round(number) if abs(number) <= _FARTHEST else None


def _node_id(part: Raw) -> int | None:
    try:
        node_id: int = _NODE_ID.decode(part)
    except msgspec.DecodeError:
        return None
    return node_id
