"""What is read of an rrweb event, and rrweb's numbers for it."""

from typing import Annotated, Final

from msgspec import Meta, Raw, Struct

from spectraview.ingest.decoding import Timestamp

FULL_SNAPSHOT: Final = 2
INCREMENTAL: Final = 3
META: Final = 4

MOUSE_INTERACTION: Final = 2
"""The source of clicks and the like."""

CLICK: Final = 2
"""The type of a mouse interaction that is a click."""

_ABSENT: Final = Raw(b"null")


class EventData(Struct, gc=False):
    """What is read of an event's data: enough to know what the user did and which page it was.

    What only a click or a Meta has a use for stays raw: nothing in it can refuse an event.
    """

    source: int = -1
    type: int = -1
    id: Raw = _ABSENT
    x: Raw = _ABSENT
    y: Raw = _ABSENT
    href: Raw = _ABSENT


class Event(Struct, gc=False):
    """What is read of an rrweb event."""

    type: Annotated[int, Meta(ge=0, lt=2**31)]
    timestamp: Timestamp
    data: EventData | None = None
