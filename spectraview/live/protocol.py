"""What a viewer asks for when it subscribes."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from spectraview.live.frames import Form

NORMAL = 1000
TOO_MUCH = 1008
INTERNAL_ERROR = 1011
RECONNECT = 1012
BAD_REQUEST = 4400
UNAUTHORIZED = 4401
NOT_FOUND = 4404
SLOW = 4408
TRY_AGAIN_LATER = 1013


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """A place to resume from: the next `sequence` that is wanted, or the last `batch` that was
    seen.
    """

    sequence: int | None = None
    batch: int | None = None


class Subscribe(Struct, rename="camel", tag_field="type", tag="subscribe"):
    """A viewer's first message."""

    session_id: UUID
    protocol: Literal[1, 2] = 1
    encoding: Literal["json", "deflate"] = "json"
    from_: Literal["keyframe", "start", "now"] | Resume = msgspec.field(
        name="from", default="keyframe"
    )


@dataclass(frozen=True, slots=True)
class Subscription:
    """A viewer's wishes: from where, and in which form."""

    start: Literal["keyframe", "start", "now"] | Resume
    form: Form


@dataclass(frozen=True, slots=True)
class ViewerAccess:
    """By what right a viewer watches: an API key, bound to an app or not, and until when (seconds
    since 1970; None: as long as the key is good).
    """

    key_id: int
    app_id: str | None = None
    expires_at: float | None = None


class InvalidSubscription(Exception):
    """The first message is no subscribe message for this session."""


def parse_subscribe(text: str, session_id: UUID) -> Subscription:
    """Return the subscription in a viewer's first message. Raises InvalidSubscription."""
    try:
        message = msgspec.json.decode(text, type=Subscribe)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidSubscription(str(error)) from error
    if message.session_id != session_id:
        raise InvalidSubscription("sessionId is not the address's")
    if message.protocol == 1:
        return Subscription(message.from_, "plain")
    return Subscription(message.from_, "packed" if message.encoding == "deflate" else "framed")
