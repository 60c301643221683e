"""Deletes what is stored about a session or a person, and exports it."""

import logging
from collections.abc import AsyncIterator

from aiohttp import web

from spectraview.api.administration import actor_of
from spectraview.api.present import session_json
from spectraview.api.requests import app_id_of, session_id_of
from spectraview.api.responses import dumps, json_response
from spectraview.errors import InvalidParameter, SessionNotFound
from spectraview.keys import AUDIT_LOG, DELETION_STORE, ERASER, READERS, STORE
from spectraview.replay.sources import IncompleteReplay
from spectraview.storage.audit import AuditedAction
from spectraview.storage.codec import CorruptData
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.models import Session

logger = logging.getLogger(__name__)

_LONGEST_USER_ID = 100


async def delete_session(request: web.Request) -> web.Response:
    """Delete a session for good; again is the same as once."""
    session_id, app_id = session_id_of(request), app_id_of(request)
    deleted = await request.app[ERASER].delete_session(session_id, app_id)
    if not deleted and await request.app[STORE].why_gone(session_id, app_id) != "deleted":
        raise SessionNotFound
    await _note(request, "delete_session", deleted)
    return json_response({"success": True, "sessionId": str(session_id)})


async def delete_user(request: web.Request) -> web.Response:
    """Delete all sessions of a user for good."""
    deleted = await request.app[ERASER].delete_user(_user_id_of(request), app_id_of(request))
    await _note(request, "delete_user", deleted)
    return json_response({"success": True, "deletedSessions": deleted})


async def export_user(request: web.Request) -> web.StreamResponse:
    """Answer all that is stored about a user, streamed."""
    user_id = _user_id_of(request)
    first = await request.app[DELETION_STORE].list_sessions_of(user_id, app_id_of(request))
    response = web.StreamResponse(
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="export.json"',
            "X-Content-Type-Options": "nosniff",
        }
    )
    response.content_type = "application/json"
    await response.prepare(request)
    try:
        await response.write(b'{"userId":%s,"sessions":[' % dumps(user_id).encode())
        sessions = 0
        async for session in _sessions_of(request, user_id, first):
            await response.write(b"," if sessions else b"")
            async for piece in _exported(request, session):
                await response.write(piece)
            sessions += 1
        await _note(request, "export_user", sessions)
        await response.write(b"]}")
        await response.write_eof()
    except (IncompleteReplay, DatabaseUnavailable, CorruptData) as error:
        # The status is out: only a broken connection can still say that this is not all.
        logger.warning("an export broke off: %r", error)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _sessions_of(
    request: web.Request, user_id: str, page: list[Session]
) -> AsyncIterator[Session]:
    store = request.app[DELETION_STORE]
    while page:
        for session in page:
            yield session
        page = await store.list_sessions_of(user_id, app_id_of(request), page[-1])


async def _exported(request: web.Request, session: Session) -> AsyncIterator[bytes]:
    yield b'{"session":%s,"replay":' % session_json(session, None)
    async for piece in request.app[READERS].primary.replays.plain(session):
        yield piece
    yield b"}"


async def _note(request: web.Request, action: AuditedAction, sessions: int) -> None:
    await request.app[AUDIT_LOG].note(
        action, actor_of(request), app_id=app_id_of(request), sessions=sessions
    )


def _user_id_of(request: web.Request) -> str:
    user_id = request.match_info["user_id"]
    if len(user_id) > _LONGEST_USER_ID or "\0" in user_id:
        message = f"userId must have at most {_LONGEST_USER_ID} characters, without U+0000"
        raise InvalidParameter(message, where="userId")
    return user_id
