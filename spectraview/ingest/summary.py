"""What a batch's events tell about themselves, gathered in one pass."""

from collections.abc import Sequence
from math import floor
from typing import Annotated, Final

from msgspec import Meta, Struct

from spectraview.ingest.decoding import Timestamp
from spectraview.storage.models import EventSummary, Keyframe

_FULL_SNAPSHOT: Final = 2
_INCREMENTAL: Final = 3
_META: Final = 4
_MOUSE_INTERACTION: Final = 2
_CLICK: Final = 2


class EventData(Struct, gc=False):
    """What is read of an event's data: enough to know a click."""

    source: int = -1
    type: int = -1


class Event(Struct, gc=False):
    """What is read of an rrweb event."""

    type: Annotated[int, Meta(ge=0, lt=2**31)]
    timestamp: Timestamp
    data: EventData | None = None


def summarize(events: Sequence[Event]) -> EventSummary:
    """Count the events and find the places where a player can begin."""
    if not events:
        return EventSummary()
    timestamps = [event.timestamp for event in events]
    types = {event.type for event in events}
    places = [] if types.isdisjoint((_META, _FULL_SNAPSHOT)) else _find_places(events)
    keyframes, orphan = _find_keyframes(places)
    return EventSummary(
        count=len(events),
        clicks=_count_clicks(events),
        first_timestamp=floor(min(timestamps)),
        last_timestamp=floor(max(timestamps)),
        types=tuple(sorted(types)),
        keyframes=keyframes,
        orphan_snapshot=orphan.offset if orphan else None,
        orphan_timestamp=orphan.timestamp if orphan else 0,
        last_meta=max((place.offset for kind, place in places if kind == _META), default=None),
    )


def _count_clicks(events: Sequence[Event]) -> int:
    interactions = [
        event.data
        for event in events
        if event.data and event.data.source == _MOUSE_INTERACTION and event.type == _INCREMENTAL
    ]
    return sum(data.type == _CLICK for data in interactions)


def _find_places(events: Sequence[Event]) -> list[tuple[int, Keyframe]]:
    """Return the type and the place of each Meta and FullSnapshot."""
    return [
        (event.type, Keyframe(offset, floor(event.timestamp)))
        for offset, event in enumerate(events)
        if event.type in (_META, _FULL_SNAPSHOT)
    ]


def _find_keyframes(
    places: Sequence[tuple[int, Keyframe]],
) -> tuple[tuple[Keyframe, ...], Keyframe | None]:
    """Return the keyframes among the Metas and FullSnapshots, and the snapshot without a Meta.

    Only the first event of `places` can be that: its Meta was the end of an earlier batch. Any
    other snapshot that has no Meta of its own is drawn with the size that is already known.
    """
    keyframes: list[Keyframe] = []
    orphan = meta = None
    for index, (kind, place) in enumerate(places):
        if kind == _META:
            meta = place
        elif meta is None and index == 0:
            orphan = place
        else:
            keyframes.append(meta or place)
            meta = None
    return tuple(keyframes), orphan
