"""Counts requests against their limits."""

from uuid import UUID

from aiohttp import web

from spectraview.access.api_keys import ApiKey
from spectraview.api.requests import session_id_of
from spectraview.keys import CONFIG, RATE_LIMITER
from spectraview.storage.cache import Usage


async def count_use(request: web.Request, key: ApiKey, scope: str) -> Usage:
    """Count ingest for each session, so that one busy page stops no other; all else for each
    client. Raises RateLimited.
    """
    config = request.app[CONFIG]
    session_id: UUID | None = None
    if scope == "ingest" and "session_id" in request.match_info:
        session_id = session_id_of(request)
    limit = config.rate_limit_ingest if scope == "ingest" else config.rate_limit_read
    place = str(session_id or _client_address(request))
    return await request.app[RATE_LIMITER].use(f"{key.key_id}:{scope}", place, limit, session_id)


def _client_address(request: web.Request) -> str:
    forwarded = request.headers.get("X-Forwarded-For")
    if forwarded and request.app[CONFIG].trust_forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.remote or "unknown"
