"""What analytics answer, for the document of the API."""

from datetime import date, datetime
from uuid import UUID

from spectraview.api.openapi.answers import Answer, Count


class AnalyzedDay(Answer):
    """The figures of an app and a day (UTC)."""

    app_id: str
    date: date
    total_sessions: Count
    unique_users: Count
    avg_duration: float | None
    total_errors: Count
    total_clicks: Count
    avg_events_per_session: float
    sessions_with_errors: Count
    rage_click_count: Count
    dead_click_count: Count


class Analytics(Answer):
    """The figures of apps and days."""

    analytics: list[AnalyzedDay]
    refreshed_at: datetime | None


class Page(Answer):
    """Where a page is, and of what time."""

    total: Count
    limit: Count
    offset: Count
    from_: datetime
    to: datetime


class ErrorGroup(Answer):
    """Errors of the same type, message and top stack frame."""

    type: str
    message: str | None
    frame: str | None
    count: Count
    sessions: Count
    session_ids: list[UUID]
    first_seen: datetime
    last_seen: datetime


class ErrorGroups(Page, rename={"from_": "from"}):
    """Groups of errors, the most frequent first."""

    errors: list[ErrorGroup]


class CountedEvents(Answer):
    """The custom events of a type and a day (UTC)."""

    event_type: str
    date: date
    count: Count
    sessions: Count


class EventCounts(Page, rename={"from_": "from"}):
    """Counts of custom events."""

    events: list[CountedEvents]
