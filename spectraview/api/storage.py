"""Says how many bytes the recordings take."""

from aiohttp import web

from spectraview.api.requests import app_id_of
from spectraview.api.responses import json_response
from spectraview.errors import AppForbidden
from spectraview.keys import USAGE_READER
from spectraview.storage.usage import Usage

_TABLES = {
    "session_events": "events",
    "session_segments": "segments",
    "custom_events": "customEvents",
    "session_errors": "errors",
    "ingest_batches": "batches",
    "sessions": "sessions",
    "sessions_archive": "sessionsArchive",
    "archive_objects": "archiveObjects",
}


async def get_storage(request: web.Request) -> web.Response:
    """Answer what is stored: by table, by day, by app."""
    if app_id_of(request) is not None:
        raise AppForbidden("Only a key for every app may see what all apps take")
    return json_response(_usage_json(await request.app[USAGE_READER].read()))


def _usage_json(usage: Usage) -> dict[str, object]:
    tables = {name: usage.tables.get(table, 0) for table, name in _TABLES.items()}
    return {
        "bytes": usage.recorded_bytes,
        "database": {"bytes": sum(tables.values()), **tables},
        "objects": {"bytes": usage.object_bytes, "count": usage.objects},
        "days": [
            {"day": day.day.isoformat(), "bytes": day.bytes, "sessions": day.sessions}
            for day in usage.days
        ],
        "apps": [
            {
                "appId": app.app_id,
                "sessions": app.sessions,
                "events": app.events,
                "bytes": app.bytes,
            }
            for app in usage.apps
        ],
        "estimated": usage.estimated,
    }
