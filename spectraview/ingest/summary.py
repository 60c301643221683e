"""What a batch's events tell about themselves, gathered in one pass."""

from collections.abc import Sequence
from math import floor

from spectraview.ingest.marking import find_clicks, find_user_events, mark_events
from spectraview.ingest.rrweb import FULL_SNAPSHOT, META, Event
from spectraview.storage.marks import encode_marks
from spectraview.storage.models import EventSummary, Keyframe


def summarize(events: Sequence[Event]) -> EventSummary:
    """Count the events and find the places where a player can begin."""
    if not events:
        return EventSummary()
    timestamps = [event.timestamp for event in events]
    types = {event.type for event in events}
    places = [] if types.isdisjoint((META, FULL_SNAPSHOT)) else _find_places(events)
    keyframes, orphan = _find_keyframes(places)
    user_events = find_user_events(events)
    clicks = find_clicks(user_events)
    metas = [(place.offset, events[place.offset]) for kind, place in places if kind == META]
    return EventSummary(
        count=len(events),
        clicks=len(clicks),
        first_timestamp=floor(min(timestamps)),
        last_timestamp=floor(max(timestamps)),
        types=tuple(sorted(types)),
        keyframes=keyframes,
        orphan_snapshot=orphan.offset if orphan else None,
        orphan_timestamp=orphan.timestamp if orphan else 0,
        last_meta=metas[-1][0] if metas else None,
        marks=encode_marks(mark_events(events, user_events, clicks, metas)),
    )


def _find_places(events: Sequence[Event]) -> list[tuple[int, Keyframe]]:
    """Return the type and the place of each Meta and FullSnapshot."""
    return [
        (event.type, Keyframe(offset, floor(event.timestamp)))
        for offset, event in enumerate(events)
        if event.type in (META, FULL_SNAPSHOT)
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
        if kind == META:
            meta = place
        elif meta is None and index == 0:
            orphan = place
        else:
            keyframes.append(meta or place)
            meta = None
    return tuple(keyframes), orphan
