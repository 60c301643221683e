"""Says whether the service works."""

import time

from aiohttp import web

from spectraview.api.responses import json_response
from spectraview.keys import ADMISSION, CACHE, COMMITTER, OBJECTS, REPLAY_CACHE, STARTED_AT, STORE
from spectraview.storage.database import DatabaseUnavailable

_PROBE_SECONDS = 2.0


async def get_health(request: web.Request) -> web.Response:
    """Answer 200 while batches can be stored; without Redis or the archive the service is
    degraded, without PostgreSQL down.
    """
    app = request.app
    try:
        active = await app[STORE].count_active()
    except DatabaseUnavailable:
        active = None
    redis = await app[CACHE].ping()
    archive = await app[OBJECTS].ping() if OBJECTS in app else None
    database = active is not None
    cache = app[REPLAY_CACHE]
    complete = redis and archive is not False
    answer: dict[str, object] = {
        "status": "unhealthy" if not database else "healthy" if complete else "degraded",
        "database": _connected(database),
        "redis": _connected(redis),
        "uptime": int(time.monotonic() - app[STARTED_AT]),
        "sessions_active": active,
        "events_per_minute": app[COMMITTER].events_per_minute(),
        "replay_cache": {"hits": cache.hits, "misses": cache.misses},
    }
    if archive is not None:
        answer["archive"] = _connected(archive)
    return json_response(answer, status=200 if database else 503)


def _connected(answers: bool) -> str:
    return "connected" if answers else "disconnected"


async def get_liveness(request: web.Request) -> web.Response:
    """Answer 200 while the process runs."""
    return json_response({"status": "live"})


async def get_readiness(request: web.Request) -> web.Response:
    """Answer 200 while load balancers may send requests here."""
    if request.app[ADMISSION].draining:
        return json_response({"status": "draining"}, status=503)
    try:
        await request.app[STORE].ping(_PROBE_SECONDS)
    except DatabaseUnavailable:
        return json_response({"status": "unready", "database": "disconnected"}, status=503)
    return json_response({"status": "ready"})
