"""Start, heartbeat and end of a session; a session's information, and the list of sessions."""

import base64
from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web

from spectraview.api.present import listed_session_json, session_json
from spectraview.api.requests import (
    app_id_of,
    bool_parameter,
    int_parameter,
    read_body,
    session_id_of,
    text_parameter,
    time_parameter,
)
from spectraview.api.responses import json_response, json_text_response
from spectraview.errors import AppForbidden, InvalidParameter, SessionNotFound
from spectraview.ingest.requests import parse_end, parse_heartbeat, parse_start
from spectraview.keys import API_KEY, CACHE, CONFIG, RECORDER, STORE
from spectraview.storage.models import ListedSession, SessionFilter

_DEFAULT_LIMIT = 50
_DEEPEST_OFFSET = 100_000


async def start_session(request: web.Request) -> web.Response:
    """Start a session; the same start again changes nothing."""
    app_id = app_id_of(request)
    new = parse_start(
        await read_body(request),
        key_app_id=app_id,
        key_ttl_hours=request[API_KEY].ttl_hours,
        default_ttl_hours=request.app[CONFIG].ttl_hours,
    )
    if app_id not in (None, new.app_id):
        raise AppForbidden(where="appId")
    await request.app[RECORDER].start_session(new)
    return json_response(
        {"success": True, "sessionId": str(new.session_id), "message": "Session started"}
    )


async def note_heartbeat(request: web.Request) -> web.Response:
    """Keep a session alive."""
    session_id = session_id_of(request)
    reported = parse_heartbeat(await read_body(request))
    await request.app[RECORDER].touch_session(session_id, app_id_of(request), reported)
    return json_response({"success": True, "sessionId": str(session_id)})


async def end_session(request: web.Request) -> web.Response:
    """End a session."""
    session_id = session_id_of(request)
    ended_at, reported = parse_end(await read_body(request))
    await request.app[RECORDER].end_session(session_id, app_id_of(request), ended_at, reported)
    return json_response(
        {"success": True, "sessionId": str(session_id), "message": "Session ended"}
    )


async def get_session(request: web.Request) -> web.Response:
    """Answer a session's information."""
    session_id = session_id_of(request)
    session = await request.app[STORE].fetch_session(session_id, app_id_of(request))
    if session is None:
        raise SessionNotFound
    viewers = await request.app[CACHE].count_viewers(session_id)
    return json_text_response(session_json(session, viewers))


async def list_sessions(request: web.Request) -> web.Response:
    """Answer a page of sessions, the newest first."""
    narrowed = _filter(request)
    longest = request.app[CONFIG].max_list
    limit = int_parameter(request, "limit", least=1, most=longest) or min(_DEFAULT_LIMIT, longest)
    offset = int_parameter(request, "offset", most=_DEEPEST_OFFSET) or 0
    before = _parse_cursor(text_parameter(request, "cursor"))
    store = request.app[STORE]
    listed = await store.list_sessions(narrowed, limit=limit, offset=offset, before=before)
    answer: dict[str, object] = {
        "sessions": [listed_session_json(entry.session) for entry in listed],
        "total": await store.count_sessions(narrowed),
        "limit": limit,
        "offset": offset,
    }
    if len(listed) == limit:
        answer["cursor"] = _cursor_after(listed[-1])
    return json_response(answer)


def _filter(request: web.Request) -> SessionFilter:
    search = text_parameter(request, "q")
    return SessionFilter(
        app_id=text_parameter(request, "appId"),
        bound_app_id=app_id_of(request),
        user_id=text_parameter(request, "userId"),
        ticket_id=text_parameter(request, "ticketId"),
        from_time=time_parameter(request, "from"),
        to_time=time_parameter(request, "to", end_of_day=True),
        has_errors=bool_parameter(request, "hasErrors"),
        live=bool_parameter(request, "live"),
        min_duration=int_parameter(request, "minDuration"),
        custom_event=text_parameter(request, "customEvent"),
        search=_pattern(search) if search else None,
    )


def _pattern(text: str) -> str:
    """Return the ILIKE pattern for texts that contain this one."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _cursor_after(last: ListedSession) -> str:
    place = f"{last.created_at.isoformat()} {last.session.session_id}"
    return base64.urlsafe_b64encode(place.encode()).decode()


def _parse_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    try:
        created, session_id = base64.urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(created).astimezone(UTC), UUID(session_id)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter("cursor is not one that a list returned", where="cursor") from error
