"""The manifest of a replay and the use of storage, for the document of the API."""

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from spectraview.api.openapi.answers import Answer, Count


class Part(Answer):
    """A run of events that can be fetched by itself."""

    first_sequence: Count
    last_sequence: Count
    start_timestamp: int
    end_timestamp: int
    size_bytes: Count


class Keyframe(Answer):
    """Where a player can begin."""

    sequence: Count
    timestamp: int


class Activity(Answer):
    """What the user did in each interval."""

    start_timestamp: int | None
    interval_ms: Annotated[int, Meta(gt=0)]
    counts: list[Count]


class Idle(Answer, rename={"from_": "from"}):
    """A time in which the user did nothing."""

    from_: int
    to: int


class VisitedPage(Answer):
    """A page that the user came to."""

    sequence: Count
    timestamp: int
    href: str


class Click(Answer):
    """A click, or one without effect."""

    sequence: Count
    timestamp: int
    x: int | None
    y: int | None
    node_id: int | None


class RageClick(Answer):
    """Three or more clicks in one place."""

    timestamp: int
    x: int
    y: int
    clicks: Annotated[int, Meta(ge=3)]


class ErrorMark(Answer):
    """Where an error happened."""

    timestamp: int
    type: str
    message: str | None


class CustomEventMark(Answer):
    """Where a custom event happened."""

    timestamp: int
    event_type: str


class Manifest(Answer):
    """What a session holds and where something happens in it."""

    session_id: UUID
    version: Count
    live: bool
    sealed: bool
    events: Count
    size_bytes: Count
    start_timestamp: int | None
    end_timestamp: int | None
    parts: list[Part]
    keyframes: list[Keyframe]
    activity: Activity
    idle: list[Idle]
    pages: list[VisitedPage]
    clicks: list[Click]
    rage_clicks: list[RageClick]
    dead_clicks: list[Click]
    errors: list[ErrorMark]
    custom_events: list[CustomEventMark]
    truncated: bool


class DatabaseUse(Answer):
    """Bytes of the tables with their indexes."""

    bytes: Count
    events: Count
    segments: Count
    custom_events: Count
    errors: Count
    batches: Count
    sessions: Count
    sessions_archive: Count
    archive_objects: Count


class ObjectUse(Answer):
    """What the archive's objects take."""

    bytes: Count
    count: Count


class DayUse(Answer):
    """What the sessions of a day take."""

    day: date
    bytes: Count
    sessions: Count


class AppUse(Answer):
    """What the sessions of an app take."""

    app_id: str
    sessions: Count
    events: Count
    bytes: Count


class StorageUse(Answer):
    """How many bytes the recordings take."""

    bytes: Count
    database: DatabaseUse
    objects: ObjectUse
    days: list[DayUse]
    apps: list[AppUse]
    estimated: bool
