"""The messages of the WebSockets and the event stream, for the document of the API."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from spectraview.api.openapi.answers import (
    Answer,
    Count,
    Receipt,
    StoredCustomEvent,
    StoredError,
    StoredEvent,
)

Pair = Annotated[list[int], Meta(min_length=2, max_length=2)]


class ReceiptMessage(Receipt, tag_field="type", tag="receipt", kw_only=True):
    """The batch is committed."""

    message: Annotated[Count, Meta(description="The number of the client's message.")]


class ErrorMessage(Answer, tag_field="type", tag="error"):
    """The batch is refused."""

    message: Count
    error: str
    code: str
    where: str | UnsetType = UNSET
    retry_after: Count | UnsetType = UNSET


class WatchedMessage(Answer, tag_field="type", tag="watched"):
    """How many watch the session."""

    viewers: Count


class NeedFullSnapshotMessage(Answer, tag_field="type", tag="needFullSnapshot"):
    """Somebody has begun to watch."""


class SubscribedMessage(Answer, tag_field="type", tag="subscribed"):
    """What will come."""

    protocol: Literal[2]
    session_id: UUID
    sequence: Count
    head: Count
    keyframe: Count | None
    live: bool


class EventsMessage(Answer, tag_field="type", tag="events"):
    """A batch; `sequence` is that of its first and of its last event."""

    sequence: Pair
    batch: Count
    events: list[StoredEvent]
    custom_events: list[StoredCustomEvent] | UnsetType = UNSET
    errors: list[StoredError] | UnsetType = UNSET


class SyncedMessage(Answer, tag_field="type", tag="synced"):
    """All that was stored has been sent."""

    sequence: Count


class DegradedMessage(Answer, tag_field="type", tag="degraded"):
    """Whether Redis is away."""

    degraded: bool


class ViewersMessage(Answer, tag_field="type", tag="viewers"):
    """How many watch now."""

    viewers: Count


class SkippedMessage(Answer, tag_field="type", tag="skipped"):
    """These events will not come."""

    sequence: Pair


class ReconnectMessage(Answer, tag_field="type", tag="reconnect"):
    """The server stops: come back after so many milliseconds."""

    delay: Count


class EndedMessage(Answer, tag_field="type", tag="ended"):
    """The session has ended."""

    sequence: Count


class CloseMessage(Answer, tag_field="type", tag="close"):
    """Why the event stream ends."""

    code: int
    reason: str


INGEST_ANSWERS = ReceiptMessage | ErrorMessage | WatchedMessage | NeedFullSnapshotMessage
LIVE_MESSAGES = (
    SubscribedMessage
    | EventsMessage
    | SyncedMessage
    | DegradedMessage
    | ViewersMessage
    | SkippedMessage
    | ReconnectMessage
    | EndedMessage
)
EVENTS = (StoredEvent, StoredCustomEvent, StoredError)
