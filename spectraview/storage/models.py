"""The records that pass between the layers: what a batch holds and what a session is."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

Codec = Literal["zlib", "gzip", "deflate", "identity"]
"""How events are compressed: zlib (RFC 1950), gzip (RFC 1952) or raw deflate (RFC 1951); identity
are those that were cut out of a segment, and never stored so.
"""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A Meta event followed by its FullSnapshot: where a player can begin.

    `offset` is the Meta's place in its batch (0 is the first event), `timestamp` the Meta's, in the
    client's unit.
    """

    offset: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class EventSummary:
    """What one pass over a batch's events tells, without keeping the events.

    `orphan_snapshot` is the offset of a FullSnapshot that comes before any Meta of its batch (the
    Meta was the end of an earlier batch), `orphan_timestamp` its timestamp; `last_meta` is the
    offset of the batch's last Meta; `marks` is what marks.py keeps for the manifest. Timestamps
    are rounded down to integers; both are 0 in a batch without events.
    """

    count: int = 0
    clicks: int = 0
    first_timestamp: int = 0
    last_timestamp: int = 0
    types: tuple[int, ...] = ()
    keyframes: tuple[Keyframe, ...] = ()
    orphan_snapshot: int | None = None
    orphan_timestamp: int = 0
    last_meta: int | None = None
    marks: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """A custom event; `body` is its JSON object exactly as the client sent it."""

    event_type: str
    timestamp: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """An error of the page; `body` is its JSON object exactly as the client sent it."""

    error_type: str
    message: str | None
    stack: str | None
    timestamp: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """The checked content of one POST: `event_data` inflates (by `codec`) to one JSON array of
    `events.count` events.

    `size_bytes` is the length of that JSON array; `batch_key` (32 bytes) identifies the batch
    within its session, and `digest` (32 bytes) its content: the same key with another digest is a
    conflict. `ttl_hours` is its API key's, for a session that it creates.
    """

    session_id: UUID
    app_id: str | None
    user_id: str | None
    batch_key: bytes
    digest: bytes
    codec: Codec
    event_data: bytes = field(repr=False)
    size_bytes: int
    events: EventSummary
    custom_events: tuple[CustomEvent, ...] = ()
    errors: tuple[ErrorEvent, ...] = ()
    ttl_hours: int | None = None


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as it stands in the store: `batch_number` from 1, `first_sequence` of its first event
    from 0.
    """

    batch_number: int
    first_sequence: int
    event_count: int
    codec: Codec
    event_data: bytes = field(repr=False)
    custom_events: tuple[bytes, ...] = field(default=(), repr=False)
    errors: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def next_sequence(self) -> int:
        """Return the sequence that follows this batch's last event."""
        return self.first_sequence + self.event_count


@dataclass(frozen=True, slots=True)
class Session:
    """One recorded visit; `milliseconds` is the unit of its client's clock (else seconds)."""

    session_id: UUID
    app_id: str
    user_id: str | None
    ticket_id: str | None
    day: date
    started_at: datetime
    ended_at: datetime | None
    last_activity: datetime
    expires_at: datetime
    metadata: str = field(repr=False)
    event_count: int
    custom_event_count: int
    error_count: int
    click_count: int
    duration_seconds: int | None
    milliseconds: bool
    first_timestamp: int | None
    last_timestamp: int | None
    next_sequence: int
    batch_count: int
    keyframe_sequence: int | None
    sealed: bool = False
    """Whether all its batches lie in segments."""
    rage_click_count: int = 0
    dead_click_count: int = 0

    @property
    def ended(self) -> bool:
        """Tell whether the session has ended."""
        return self.ended_at is not None


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a start tells about a session; `started_at` in seconds since 1970, None for now.

    `ttl_hours` is what the start or its API key says; else its app decides, else the default.
    """

    session_id: UUID
    app_id: str
    user_id: str | None
    ticket_id: str | None
    started_at: float | None
    milliseconds: bool
    metadata: str
    page_url: str | None
    ttl_hours: int | None
    default_ttl_hours: int = 72


@dataclass(frozen=True, slots=True)
class ReportedStats:
    """The counts that a client reports of itself."""

    events: int = 0
    errors: int = 0
    clicks: int = 0


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """What a list of sessions is narrowed to; None leaves a field open.

    `bound_app_id` is the API key's app, `app_id` the one that was asked for. `search`, `url` and
    `error_message` are texts that are contained, in either case.
    """

    bound_app_id: str | None = None
    app_id: str | None = None
    user_id: str | None = None
    ticket_id: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None
    has_errors: bool | None = None
    min_errors: int | None = None
    has_rage_clicks: bool | None = None
    has_dead_clicks: bool | None = None
    live: bool | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    custom_event: str | None = None
    search: str | None = None
    url: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session of a list, with the address of its page and the time that the list goes by."""

    session: Session
    page_url: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """How many sessions there are, counted or estimated."""

    sessions: int
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class ListCursor:
    """A place in a list, behind a session, with the total that its first page told."""

    created_at: datetime
    session_id: UUID
    total: Total


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A part of a list; without `cursor` it is the last one."""

    sessions: list[ListedSession]
    total: Total
    cursor: ListCursor | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a session's stream stands in the store."""

    batch_count: int
    next_sequence: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two batches of a session: all up to `batch_number` lies before it, `sequence`
    follows.
    """

    batch_number: int = 0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class AnalyticsFilter:
    """What analytics are narrowed to; None leaves a field open."""

    bound_app_id: str | None = None
    app_id: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnalyzedDay:
    """The figures of the sessions of one app that started on one day (UTC)."""

    app_id: str
    date: date
    total_sessions: int
    unique_users: int
    avg_duration: float | None
    total_errors: int
    total_clicks: int
    avg_events_per_session: float
    sessions_with_errors: int
    total_rage_clicks: int
    total_dead_clicks: int


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors with the same message and top frame; `session_ids` are some of their sessions."""

    error_type: str
    message: str | None
    frame: str | None
    errors: int
    sessions: int
    session_ids: list[UUID]
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class CountedEvents:
    """The custom events of one type on one day (UTC)."""

    event_type: str
    date: date
    events: int
    sessions: int
