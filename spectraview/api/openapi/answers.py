"""What the API answers, for its document; tests hold the answers to it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Count = Annotated[int, Meta(ge=0)]
Cursor = Annotated[str, Meta(description="Where the next page begins.")] | UnsetType
Yes = Annotated[bool, Meta(extra_json_schema={"const": True})]


class Answer(Struct, rename="camel"):
    """What all answers share: names in JSON."""


class Error(Answer):
    """Why a request failed."""

    error: Annotated[str, Meta(description="What went wrong, for people.")]
    code: Annotated[str, Meta(description="What went wrong, for programs: it never changes.")]
    where: Annotated[str, Meta(description="The place of the fault.")] | UnsetType = UNSET


class Done(Answer):
    """That it is done."""

    success: Yes
    session_id: UUID


class Acknowledged(Done):
    """That it is done, in words."""

    message: str


class Received(Answer):
    """How much a batch held."""

    events: Count
    custom_events: Count
    errors: Count


class Receipt(Answer):
    """That a batch is committed."""

    success: Yes
    received: Received
    first_sequence: Annotated[
        Count | None, Meta(description="The place of its first event; null for an empty batch.")
    ]
    viewers: Annotated[Count, Meta(description="How many watch the session now.")]
    need_full_snapshot: Annotated[bool, Meta(description="Asks for a full snapshot.")]
    duplicate: Annotated[bool, Meta(description="The batch was stored before.")] | UnsetType = UNSET


class Receipts(Answer):
    """That several batches are committed."""

    success: Yes
    batches: list[Receipt]


class SessionStats(Answer):
    """What a session holds."""

    total_events: Count
    custom_events: Count
    errors: Count
    clicks: Count
    rage_clicks: Count
    dead_clicks: Count


class Session(Answer):
    """A session's information."""

    session_id: UUID
    user_id: str | None
    app_id: str
    ticket_id: str | None
    start_time: Annotated[int, Meta(description="In the unit that the session began in.")]
    end_time: int | None
    duration: Annotated[Count, Meta(description="Seconds.")]
    stats: SessionStats
    live: bool
    viewers: Annotated[Count | None, Meta(description="null while Redis is away.")]
    expires_at: datetime
    metadata: dict[str, Any]


class ListedSession(Answer):
    """A session in a list."""

    session_id: UUID
    user_id: str | None
    app_id: str
    ticket_id: str | None
    start_time: int
    end_time: int | None
    duration: Count
    error_count: Count
    event_count: Count
    click_count: Count
    rage_click_count: Count
    dead_click_count: Count
    url: str | None
    live: bool


class SessionPage(Answer):
    """A page of sessions."""

    sessions: list[ListedSession]
    total: Count
    limit: Count
    offset: Count
    total_is_estimate: Yes | UnsetType = UNSET
    cursor: Cursor = UNSET


class StoredEvent(Struct):
    """An rrweb event, exactly as it was sent."""

    type: Count
    timestamp: float
    data: Any = UNSET


class StoredCustomEvent(Answer):
    """A custom event, exactly as it was sent."""

    event_type: str
    timestamp: float


class StoredError(Answer):
    """An error of the page, exactly as it was sent."""

    type: str
    timestamp: float
    message: str | UnsetType | None = UNSET
    stack: str | UnsetType | None = UNSET


class Replay(Answer):
    """The events of a session, or of a part of it."""

    session_id: UUID
    events: list[StoredEvent]
    custom_events: list[StoredCustomEvent]
    errors: list[StoredError]
    first_sequence: (
        Annotated[Count, Meta(description="Of a part: the sequence of its first event.")]
        | UnsetType
    ) = UNSET


class ExportedSession(Answer):
    """All of a session."""

    session: Session
    replay: Replay


class Export(Answer):
    """All that is stored about a user."""

    user_id: str
    sessions: list[ExportedSession]


class DeletedSessions(Answer):
    """How many sessions are deleted."""

    success: Yes
    deleted_sessions: Count


class Token(Answer):
    """A viewer token."""

    token: str
    session_id: UUID
    expires_at: datetime


class ReplayCacheUse(Answer):
    """How often a replay was found in the cache."""

    hits: Count
    misses: Count


class Health(Struct):
    """Whether the service works."""

    status: Literal["healthy", "degraded", "unhealthy"]
    database: Literal["connected", "disconnected"]
    redis: Literal["connected", "disconnected"]
    uptime: Count
    sessions_active: Count | None
    events_per_minute: Count
    replay_cache: ReplayCacheUse
    archive: Literal["connected", "disconnected"] | UnsetType = UNSET


class Status(Struct):
    """The state of a process."""

    status: Literal["live", "ready", "unready", "draining"]
    database: Literal["disconnected"] | UnsetType = UNSET
