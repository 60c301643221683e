"""Counts requests against their limits, and what they store against quotas."""

from collections.abc import Iterable
from uuid import UUID

from aiohttp import web

from spectraview.access.api_keys import ApiKey
from spectraview.access.quotas import Left
from spectraview.api.requests import session_id_of
from spectraview.errors import RateLimited
from spectraview.ingest.recorder import Receipt
from spectraview.keys import API_KEY, CONFIG, LEFT, QUOTAS, RATE_LIMITER, VIEWER_TOKEN
from spectraview.storage.cache import Usage


async def count_use(request: web.Request, key: ApiKey, scope: str) -> Usage:
    """Count ingest for each session, so that one busy page stops no other; all else for each
    client. Raises RateLimited and QuotaExceeded.
    """
    config = request.app[CONFIG]
    session_id: UUID | None = None
    if scope == "ingest" and "session_id" in request.match_info:
        session_id = session_id_of(request)
    if scope == "ingest":
        limit = key.limits.ingest_per_minute or config.rate_limit_ingest
    else:
        limit = key.limits.read_per_minute or config.rate_limit_read
    place = str(session_id or _client_address(request))
    quotas = request.app[QUOTAS]
    counted = quotas.begin(key)  # goes to Redis in the same round as what follows
    name = f"{key.key_id}:{scope}"
    try:
        usage = await request.app[RATE_LIMITER].use(name, place, limit, session_id)
    except RateLimited:
        if counted:
            counted.take_back()
        raise
    left = await counted.check(scope) if counted else ()
    if VIEWER_TOKEN not in request:
        quotas.note_request(key.key_id)
    request[LEFT] = _left_text(limit - usage.requests, left, quotas.seconds_left() if left else 0)
    return usage


def count_stored(request: web.Request, receipt: Receipt, sent_bytes: int) -> None:
    """Count a batch that was stored, unless it was stored before."""
    if not receipt.duplicate:
        events = receipt.events + receipt.custom_events + receipt.errors
        request.app[QUOTAS].note_stored(request[API_KEY], sent_bytes=sent_bytes, events=events)


def _left_text(requests: int, quotas: Iterable[Left], seconds: int) -> str:
    """Return the header RateLimit (draft-ietf-httpapi-ratelimit-headers)."""
    parts = [f'"minute";r={requests}']
    parts += [f'"{quota.name}-a-day";r={max(0, quota.amount)};t={seconds}' for quota in quotas]
    return ", ".join(parts)


def _client_address(request: web.Request) -> str:
    forwarded = request.headers.get("X-Forwarded-For")
    if forwarded and request.app[CONFIG].trust_forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.remote or "unknown"
