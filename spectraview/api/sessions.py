"""Start, heartbeat and end of a session; a session's information."""

from functools import partial

from aiohttp import web

from spectraview.api.present import session_json
from spectraview.api.requests import (
    app_id_of,
    read_body,
    session_id_of,
)
from spectraview.api.responses import json_response, json_text_response
from spectraview.api.scrubbing import parse_scrubbed
from spectraview.errors import AppForbidden, SessionNotFound
from spectraview.ingest.requests import parse_end, parse_heartbeat, parse_start
from spectraview.keys import API_KEY, CACHE, CONFIG, RECORDER, STORE


async def start_session(request: web.Request) -> web.Response:
    """Start a session; the same start again changes nothing."""
    app_id = app_id_of(request)
    body = await read_body(request)
    parse = partial(
        parse_start,
        body,
        key_app_id=app_id,
        key_ttl_hours=request[API_KEY].ttl_hours,
        default_ttl_hours=request.app[CONFIG].ttl_hours,
    )
    new = await parse_scrubbed(request, body, lambda scrubber: parse(scrubber=scrubber))
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
