"""Makes viewer tokens."""

import time
from datetime import UTC, datetime

from aiohttp import web

from spectraview.access.viewer_tokens import ViewerToken
from spectraview.api.requests import app_id_of, read_body, session_id_of
from spectraview.api.responses import json_response
from spectraview.errors import SessionNotFound
from spectraview.ingest.requests import parse_token_request
from spectraview.keys import API_KEY, STORE, VIEWER_TOKENS


async def create_token(request: web.Request) -> web.Response:
    """Make a token with which one session can be read and watched for a while."""
    session_id = session_id_of(request)
    seconds = parse_token_request(await read_body(request))
    app_id = app_id_of(request)
    if await request.app[STORE].fetch_session(session_id, app_id) is None:
        raise SessionNotFound
    expires_at = float(int(time.time()) + seconds)
    granted = ViewerToken(session_id, request[API_KEY].key_id, app_id, expires_at)
    return json_response(
        {
            "token": await request.app[VIEWER_TOKENS].issue(granted),
            "sessionId": str(session_id),
            "expiresAt": datetime.fromtimestamp(expires_at, UTC).isoformat(),
        }
    )
