"""Serves a stored session for replay."""

import logging

from aiohttp import web

from spectraview.api.requests import accepts_gzip, app_id_of, session_id_of
from spectraview.errors import SessionNotFound
from spectraview.keys import REPLAY_READER, STORE
from spectraview.replay.reader import IncompleteReplay
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.models import Session

logger = logging.getLogger(__name__)


async def get_replay(request: web.Request) -> web.StreamResponse:
    """Answer all events of a session, streamed."""
    session_id = session_id_of(request)
    session = await request.app[STORE].fetch_session(session_id, app_id_of(request))
    if session is None:
        raise SessionNotFound
    gzip = accepts_gzip(request)
    headers = {
        "ETag": f'"{session.batch_count}{"-gzip" if gzip else ""}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    if gzip:
        response.headers["Content-Encoding"] = "gzip"
    return await _stream(request, response, session, gzip=gzip)


async def _stream(
    request: web.Request, response: web.StreamResponse, session: Session, *, gzip: bool
) -> web.StreamResponse:
    reader = request.app[REPLAY_READER]
    await response.prepare(request)
    try:
        async for piece in reader.gzipped(session) if gzip else reader.plain(session):
            await response.write(piece)
        await response.write_eof()
    except (IncompleteReplay, DatabaseUnavailable) as error:
        # The status is out: only a broken connection can still say that this is not all.
        logger.warning("the replay of %s broke off: %r", session.session_id, error)
        if request.transport is not None:
            request.transport.abort()
    return response
