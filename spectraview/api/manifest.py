"""Serves a session's manifest: what a player needs to know before it loads events."""

import asyncio

from aiohttp import web

from spectraview.api.requests import app_id_of, session_id_of
from spectraview.api.responses import dumps, json_text_response
from spectraview.errors import SessionNotFound
from spectraview.keys import READERS, STORE
from spectraview.replay.manifest import MOST_MARKERS, Manifest, make_manifest
from spectraview.storage.marks import ClickMark
from spectraview.storage.models import Session
from spectraview.storage.spans import SpansMissing


async def get_manifest(request: web.Request) -> web.Response:
    """Answer what a session holds and where something happens in it."""
    session_id = session_id_of(request)
    session = await request.app[STORE].fetch_session(session_id, app_id_of(request))
    if session is None:
        raise SessionNotFound
    state = f"{'-live' if not session.ended else ''}{'-sealed' if session.sealed else ''}"
    headers = {
        "ETag": f'"{session.batch_count}{state}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return json_text_response(await _manifest_text(request, session), headers=headers)


async def _manifest_text(request: web.Request, session: Session) -> bytes:
    store = (await request.app[READERS].of(session)).spans
    place = (session.session_id, session.day)
    try:
        spans = await store.list_spans(*place, session.batch_count)
    except SpansMissing as error:
        raise SessionNotFound from error
    through = spans[-1].last_batch if spans else 0
    errors = await store.list_errors(*place, through, MOST_MARKERS + 1)
    custom_events = await store.list_custom_events(*place, through, MOST_MARKERS + 1)

    def make() -> bytes:
        answer = manifest_json(session, make_manifest(spans, errors, custom_events))
        return dumps(answer).encode("utf-8", "surrogatepass")

    return await asyncio.to_thread(make)


def manifest_json(session: Session, manifest: Manifest) -> dict[str, object]:
    """Return the manifest as clients see it; timestamps are those of the events."""
    activity = manifest.activity
    return {
        "sessionId": str(session.session_id),
        "version": manifest.version,
        "live": not session.ended,
        "sealed": manifest.sealed,
        "events": manifest.events,
        "sizeBytes": manifest.size_bytes,
        "startTimestamp": manifest.start_timestamp,
        "endTimestamp": manifest.end_timestamp,
        "parts": [
            {
                "firstSequence": part.first_sequence,
                "lastSequence": part.next_sequence - 1,
                "startTimestamp": part.first_timestamp,
                "endTimestamp": part.last_timestamp,
                "sizeBytes": part.size_bytes,
            }
            for part in manifest.parts
        ],
        "keyframes": [
            {"sequence": sequence, "timestamp": timestamp}
            for sequence, timestamp in manifest.keyframes
        ],
        "activity": {
            "startTimestamp": activity.start_timestamp,
            "intervalMs": activity.interval,
            "counts": activity.counts,
        },
        "idle": [{"from": start, "to": end} for start, end in manifest.idle],
        **_markers_json(manifest),
        "truncated": manifest.truncated,
    }


def _markers_json(manifest: Manifest) -> dict[str, object]:
    return {
        "pages": [
            {"sequence": page.offset, "timestamp": page.timestamp, "href": page.href}
            for page in manifest.pages
        ],
        "clicks": [_click_json(click) for click in manifest.clicks],
        "rageClicks": [
            {"timestamp": rage.timestamp, "x": rage.x, "y": rage.y, "clicks": rage.clicks}
            for rage in manifest.rage_clicks
        ],
        "deadClicks": [_click_json(click) for click in manifest.dead_clicks],
        "errors": [
            {"timestamp": error.timestamp, "type": error.error_type, "message": error.message}
            for error in manifest.errors
        ],
        "customEvents": [
            {"timestamp": event.timestamp, "eventType": event.event_type}
            for event in manifest.custom_events
        ],
    }


def _click_json(click: ClickMark) -> dict[str, object]:
    return {
        "sequence": click.offset,
        "timestamp": click.timestamp,
        "x": click.x,
        "y": click.y,
        "nodeId": click.node_id,
    }
