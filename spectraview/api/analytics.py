"""Analytics: sessions by day, errors by what they say, custom events by type."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter

from aiohttp import web

from spectraview.api.parameters import Moment, Text, Whole
from spectraview.api.requests import app_id_of
from spectraview.api.responses import json_response
from spectraview.keys import ANALYTICS, CONFIG
from spectraview.storage.models import AnalyticsFilter, AnalyzedDay, CountedEvents, ErrorGroup

_DEFAULT_LIMIT = 50
_DEEPEST_OFFSET = 100_000
_DEFAULT_SPAN = timedelta(days=7)

_APP_ID = Text("appId", "Only this app.")
_FROM = Moment("from", "Only what was then or later.")
_TO = Moment("to", "Only what was then or earlier; a date includes that day.", True)
_EVENT_TYPE = Text("eventType", "Only custom events of this type.")
_LIMIT = Whole("limit", "Entries of a page.", 1, attrgetter("max_list"))
_OFFSET = Whole("offset", "How many entries to skip.", most=_DEEPEST_OFFSET)
DAY_PARAMETERS = (_APP_ID, _FROM, _TO)
ERROR_PARAMETERS = (*DAY_PARAMETERS, _LIMIT, _OFFSET)
CUSTOM_EVENT_PARAMETERS = (*ERROR_PARAMETERS, _EVENT_TYPE)


async def get_analytics(request: web.Request) -> web.Response:
    """Answer the figures of each app and day, as they were at the last refresh."""
    store = request.app[ANALYTICS]
    refreshed_at = await store.fetch_refresh_time()
    days = await store.fetch_days(_filter(request))
    return json_response(
        {
            "analytics": [_day_json(day) for day in days],
            "refreshedAt": _time(refreshed_at) if refreshed_at else None,
        }
    )


async def get_errors(request: web.Request) -> web.Response:
    """Answer errors grouped by message and top frame, the most frequent first."""
    narrowed = _filter(request, _DEFAULT_SPAN)
    limit, offset = _page(request)
    groups, total = await request.app[ANALYTICS].group_errors(narrowed, limit=limit, offset=offset)
    return json_response(
        {
            "errors": [_group_json(group) for group in groups],
            **_paging(total, limit, offset, narrowed),
        }
    )


async def get_custom_events(request: web.Request) -> web.Response:
    """Answer how many custom events there were of each type on each day."""
    narrowed = _filter(request, _DEFAULT_SPAN)
    limit, offset = _page(request)
    counts, total = await request.app[ANALYTICS].count_custom_events(
        narrowed, event_type=_EVENT_TYPE.of(request), limit=limit, offset=offset
    )
    return json_response(
        {
            "events": [_count_json(count) for count in counts],
            **_paging(total, limit, offset, narrowed),
        }
    )


def _filter(request: web.Request, span: timedelta | None = None) -> AnalyticsFilter:
    """Return what the request asks for; with `span`, the time until now or `to` if it says no
    more.
    """
    from_time = _FROM.of(request)
    to_time = _TO.of(request)
    if span is not None:
        to_time = to_time or datetime.now(UTC)
        from_time = from_time or _before(to_time, span)
    return AnalyticsFilter(
        bound_app_id=app_id_of(request),
        app_id=_APP_ID.of(request),
        from_time=from_time,
        to_time=to_time,
    )


def _before(moment: datetime, span: timedelta) -> datetime:
    first = datetime.min.replace(tzinfo=UTC)
    return moment - span if moment - first > span else first


def _page(request: web.Request) -> tuple[int, int]:
    limit = _LIMIT.of(request) or min(_DEFAULT_LIMIT, request.app[CONFIG].max_list)
    return limit, _OFFSET.of(request) or 0


def _paging(total: int, limit: int, offset: int, narrowed: AnalyticsFilter) -> dict[str, object]:
    assert narrowed.from_time is not None
    assert narrowed.to_time is not None
    return {
        "total": total,
        "limit": limit,
        "offset": offset,
        "from": _time(narrowed.from_time),
        "to": _time(narrowed.to_time),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _day_json(day: AnalyzedDay) -> dict[str, object]:
    return {
        "appId": day.app_id,
        "date": day.date.isoformat(),
        "totalSessions": day.total_sessions,
        "uniqueUsers": day.unique_users,
        "avgDuration": day.avg_duration,
        "totalErrors": day.total_errors,
        "totalClicks": day.total_clicks,
        "avgEventsPerSession": day.avg_events_per_session,
        "sessionsWithErrors": day.sessions_with_errors,
        "rageClickCount": day.total_rage_clicks,
        "deadClickCount": day.total_dead_clicks,
    }


def _group_json(group: ErrorGroup) -> dict[str, object]:
    return {
        "type": group.error_type,
        "message": group.message,
        "frame": group.frame,
        "count": group.errors,
        "sessions": group.sessions,
        "sessionIds": [str(session_id) for session_id in group.session_ids],
        "firstSeen": _time(group.first_seen),
        "lastSeen": _time(group.last_seen),
    }


def _count_json(count: CountedEvents) -> dict[str, object]:
    return {
        "eventType": count.event_type,
        "date": count.date.isoformat(),
        "count": count.events,
        "sessions": count.sessions,
    }
