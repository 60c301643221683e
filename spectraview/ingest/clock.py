"""Client clocks: rrweb counts milliseconds, the contract's samples seconds; a session is answered
in its own unit.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from spectraview.errors import InvalidBody
from spectraview.storage.store import LATEST_SECONDS, SECONDS_BELOW

ClientTime = Annotated[
    float,
    Meta(
        description="Seconds (below 10¹¹) or milliseconds since 1970.",
        extra_json_schema={"minimum": 0, "maximum": LATEST_SECONDS * 1000},
    ),
]
"""What `seconds_of` takes; it says what is wrong with the rest."""


def in_milliseconds(client_time: float) -> bool:
    """Tell whether a client's time counts milliseconds."""
    return client_time >= SECONDS_BELOW


def seconds_of(client_time: float, where: str) -> float:
    """Return a client's time in seconds since 1970.

    Raises InvalidBody when no calendar holds it.
    """
    seconds = client_time / 1000 if in_milliseconds(client_time) else float(client_time)
    if not 0 <= seconds <= LATEST_SECONDS:
        raise InvalidBody(f"{where} must be a time since 1970", where=where)
    return seconds


def client_time(time: datetime, *, milliseconds: bool) -> int:
    """Return a time in the unit of a session's clock."""
    return round(time.timestamp() * (1000 if milliseconds else 1))
