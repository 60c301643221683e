"""Tells the metrics to those who may know them."""

import asyncio
from hmac import compare_digest
from ipaddress import ip_address

from aiohttp import web

from spectraview.errors import Forbidden, Unauthorized
from spectraview.exposition.page import write_page
from spectraview.keys import API_KEYS, CONFIG, SHARED_METRICS

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


async def get_metrics(request: web.Request) -> web.Response:
    """Answer with the metrics of all processes that serve this address."""
    await _check_access(request)
    snapshot = await request.app[SHARED_METRICS].collect()
    accept = request.headers.get("Accept", "")
    body, content_type = await asyncio.to_thread(write_page, snapshot, accept)
    headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return web.Response(body=body, headers=headers)


async def _check_access(request: web.Request) -> None:
    """Let through a scraper on this machine, unless there is a token; else the token, or a key with
    the scope admin. Raises Unauthorized and Forbidden.
    """
    token = request.app[CONFIG].metrics_token
    if not token and _is_local(request):
        return
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and kind.lower() == "bearer" and compare_digest(given.encode(), token.encode()):
        return
    text = request.headers.get("X-API-Key")
    key = await request.app[API_KEYS].find(text) if text else None
    if key is None:
        raise Unauthorized
    if not key.allows("admin"):
        raise Forbidden("This API key lacks the scope admin")


def _is_local(request: web.Request) -> bool:
    """Tell whether the request comes from this machine itself, not by a proxy on it."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
