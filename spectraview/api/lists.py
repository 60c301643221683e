"""The list of sessions: what narrows it, its pages, its cursors."""

import base64
from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web

from spectraview.api.present import listed_session_json
from spectraview.api.requests import (
    app_id_of,
    bool_parameter,
    int_parameter,
    text_parameter,
    time_parameter,
)
from spectraview.api.responses import json_response
from spectraview.errors import InvalidParameter
from spectraview.keys import CONFIG, SESSION_LISTS
from spectraview.storage.models import ListCursor, SessionFilter, SessionPage, Total

_DEFAULT_LIMIT = 50
_DEEPEST_OFFSET = 10_000
"""PostgreSQL reads all that an offset skips; a cursor goes on from its place."""


async def list_sessions(request: web.Request) -> web.Response:
    """Answer a page of sessions, the newest first."""
    longest = request.app[CONFIG].max_list
    limit = int_parameter(request, "limit", least=1, most=longest) or min(_DEFAULT_LIMIT, longest)
    offset = int_parameter(request, "offset", most=_DEEPEST_OFFSET) or 0
    page = await request.app[SESSION_LISTS].fetch_page(
        _filter(request),
        limit=limit,
        offset=offset,
        after=_parse_cursor(text_parameter(request, "cursor")),
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
        app_id=text_parameter(request, "appId"),
        bound_app_id=app_id_of(request),
        user_id=text_parameter(request, "userId"),
        ticket_id=text_parameter(request, "ticketId"),
        from_time=time_parameter(request, "from"),
        to_time=time_parameter(request, "to", end_of_day=True),
        has_errors=bool_parameter(request, "hasErrors"),
        min_errors=int_parameter(request, "minErrors"),
        has_rage_clicks=bool_parameter(request, "hasRageClicks"),
        has_dead_clicks=bool_parameter(request, "hasDeadClicks"),
        live=bool_parameter(request, "live"),
        min_duration=int_parameter(request, "minDuration"),
        max_duration=int_parameter(request, "maxDuration"),
        custom_event=text_parameter(request, "customEvent"),
        search=text_parameter(request, "q"),
        url=text_parameter(request, "url"),
        error_message=text_parameter(request, "errorMessage"),
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
