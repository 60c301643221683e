"""The list of sessions: what narrows it, its pages, its cursors."""

import base64
from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

from aiohttp import web

from spectraview.api.parameters import Moment, Text, Whole, flag
from spectraview.api.present import listed_session_json
from spectraview.api.requests import app_id_of
from spectraview.api.responses import json_response
from spectraview.errors import InvalidParameter
from spectraview.keys import CONFIG, SESSION_LISTS
from spectraview.storage.models import ListCursor, SessionFilter, SessionPage, Total

_DEFAULT_LIMIT = 50
_DEEPEST_OFFSET = 10_000
"""PostgreSQL reads all that an offset skips; a cursor goes on from its place."""


_APP_ID = Text("appId", "Sessions of exactly this app.")
_USER_ID = Text("userId", "Sessions of exactly this user.")
_TICKET_ID = Text("ticketId", "Sessions of exactly this support ticket.")
_FROM = Moment("from", "Sessions that started then or later.")
_TO = Moment("to", "Sessions that started then or earlier; a date includes that day.", True)
_HAS_ERRORS = flag("hasErrors", "Sessions with errors, or without.")
_MIN_ERRORS = Whole("minErrors", "Least number of errors.")
_HAS_RAGE_CLICKS = flag("hasRageClicks", "Sessions with rage clicks, or without.")
_HAS_DEAD_CLICKS = flag("hasDeadClicks", "Sessions with dead clicks, or without.")
_LIVE = flag("live", "Sessions that go on, or that have ended.")
_MIN_DURATION = Whole("minDuration", "Least duration in seconds.")
_MAX_DURATION = Whole("maxDuration", "Greatest duration in seconds.")
_CUSTOM_EVENT = Text("customEvent", "Sessions with a custom event of this `eventType`.")
_SEARCH = Text("q", "Text in the user, ticket or page address, or the beginning of the session id.")
_URL = Text("url", "Text in the address of the page that the session started on.")
_ERROR_MESSAGE = Text("errorMessage", "Text in the message of one of its errors.")
_LIMIT = Whole("limit", "Sessions of a page.", 1, attrgetter("max_list"))
_OFFSET = Whole("offset", "How many sessions to skip.", most=_DEEPEST_OFFSET)
_CURSOR = Text("cursor", "The `cursor` of the last answer: the next page.", "session-cursor")
LIST_PARAMETERS = (
    _APP_ID,
    _USER_ID,
    _TICKET_ID,
    _FROM,
    _TO,
    _HAS_ERRORS,
    _MIN_ERRORS,
    _HAS_RAGE_CLICKS,
    _HAS_DEAD_CLICKS,
    _LIVE,
    _MIN_DURATION,
    _MAX_DURATION,
    _CUSTOM_EVENT,
    _SEARCH,
    _URL,
    _ERROR_MESSAGE,
    _LIMIT,
    _OFFSET,
    _CURSOR,
)


async def list_sessions(request: web.Request) -> web.Response:
    """Answer a page of sessions, the newest first."""
    limit = _LIMIT.of(request) or min(_DEFAULT_LIMIT, request.app[CONFIG].max_list)
    offset = _OFFSET.of(request) or 0
    page = await request.app[SESSION_LISTS].fetch_page(
        _filter(request),
        limit=limit,
        offset=offset,
        after=_parse_cursor(_CURSOR.of(request)),
    )
    return json_response(_page_json(page, limit, offset))


def _page_json(page: SessionPage, limit: int, offset: int) -> dict[str, object]:
    answer: dict[str, object] = {
        "sessions": [listed_session_json(entry) for entry in page.sessions],
        "total": page.total.sessions,
        "limit": limit,
        "offset": offset,
    }
    if page.total.is_estimate:
        answer["totalIsEstimate"] = True
    if page.cursor is not None:
        answer["cursor"] = _cursor_text(page.cursor)
    return answer


def _filter(request: web.Request) -> SessionFilter:
    return SessionFilter(
        app_id=_APP_ID.of(request),
        bound_app_id=app_id_of(request),
        user_id=_USER_ID.of(request),
        ticket_id=_TICKET_ID.of(request),
        from_time=_FROM.of(request),
        to_time=_TO.of(request),
        has_errors=_HAS_ERRORS.of(request),
        min_errors=_MIN_ERRORS.of(request),
        has_rage_clicks=_HAS_RAGE_CLICKS.of(request),
        has_dead_clicks=_HAS_DEAD_CLICKS.of(request),
        live=_LIVE.of(request),
        min_duration=_MIN_DURATION.of(request),
        max_duration=_MAX_DURATION.of(request),
        custom_event=_CUSTOM_EVENT.of(request),
        search=_SEARCH.of(request),
        url=_URL.of(request),
        error_message=_ERROR_MESSAGE.of(request),
    )


def _cursor_text(cursor: ListCursor) -> str:
    total = f"{cursor.total.sessions} {int(cursor.total.is_estimate)}"
    place = f"{cursor.created_at.astimezone(UTC).isoformat()} {cursor.session_id} {total}"
    return base64.urlsafe_b64encode(place.encode()).decode()


def _parse_cursor(text: str | None) -> ListCursor | None:
    if text is None:
        return None
    try:
        created, session_id, total, is_estimate = (
            base64.urlsafe_b64decode(text).decode("ascii").split(" ")
        )
        return ListCursor(
            datetime.fromisoformat(created).astimezone(UTC),
            UUID(session_id),
            Total(abs(int(total)), is_estimate == "1"),
        )
    except (ValueError, OverflowError) as error:
        raise InvalidParameter("cursor is not one that a list returned", where="cursor") from error
