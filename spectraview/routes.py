"""Every address, with the scope that its API key needs (None: no key)."""

import re
from dataclasses import dataclass

from aiohttp.typedefs import Handler

from spectraview.api.administration import list_audit
from spectraview.api.analytics import get_analytics, get_custom_events, get_errors
from spectraview.api.deletion import delete_session, delete_user, export_user
from spectraview.api.events import append_batch
from spectraview.api.health import get_health, get_liveness, get_readiness
from spectraview.api.ingest_socket import ingest_session
from spectraview.api.keys import (
    change_key,
    create_key,
    get_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from spectraview.api.lists import list_sessions
from spectraview.api.live import watch_session
from spectraview.api.manifest import get_manifest
from spectraview.api.metrics import get_metrics
from spectraview.api.replay import get_replay
from spectraview.api.sessions import (
    end_session,
    get_session,
    note_heartbeat,
    start_session,
)
from spectraview.api.storage import get_storage
from spectraview.api.tokens import create_token
from spectraview.api.web import (
    get_console,
    get_console_asset,
    get_demo,
    get_demo_asset,
    get_docs,
    get_docs_asset,
    get_openapi,
    get_sdk,
)

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One address and what answers it."""

    method: str
    path: str
    handler: Handler
    scope: str | None
    viewer_token: bool = False
    """Whether a viewer token of the session will do in place of a key."""

    @property
    def pattern(self) -> str:
        """Return the path as aiohttp takes it, whose own places take no braces. `start` is no
        session id, but an address that takes only POST.
        """
        placed = _PLACE.sub(r"{\1:[^/]+}", self.path)
        return placed.replace("{session_id:", "{session_id:(?!start$)")


ROUTES = (
    Route("GET", "/health", get_health, None),
    Route("GET", "/health/live", get_liveness, None),
    Route("GET", "/health/ready", get_readiness, None),
    Route("GET", "/metrics", get_metrics, None),
    Route("POST", "/api/sessions/start", start_session, "ingest"),
    Route("POST", "/api/sessions/{session_id}/events", append_batch, "ingest"),
    Route("POST", "/api/sessions/{session_id}/heartbeat", note_heartbeat, "ingest"),
    Route("POST", "/api/sessions/{session_id}/end", end_session, "ingest"),
    Route("GET", "/api/sessions/{session_id}/ingest", ingest_session, "ingest"),
    Route("GET", "/api/sessions", list_sessions, "read"),
    Route("GET", "/api/sessions/{session_id}", get_session, "read", viewer_token=True),
    Route("GET", "/api/sessions/{session_id}/replay", get_replay, "read", viewer_token=True),
    Route(
        "GET", "/api/sessions/{session_id}/replay/manifest", get_manifest, "read", viewer_token=True
    ),
    Route("GET", "/api/sessions/{session_id}/live", watch_session, "read", viewer_token=True),
    Route("GET", "/api/analytics", get_analytics, "read"),
    Route("GET", "/api/analytics/errors", get_errors, "read"),
    Route("GET", "/api/analytics/events", get_custom_events, "read"),
    Route("DELETE", "/api/sessions/{session_id}", delete_session, "admin"),
    Route("DELETE", "/api/users/{user_id}", delete_user, "admin"),
    Route("GET", "/api/users/{user_id}/export", export_user, "admin"),
    Route("POST", "/api/sessions/{session_id}/tokens", create_token, "read"),
    Route("GET", "/api/storage", get_storage, "admin"),
    Route("GET", "/api/keys", list_keys, "admin"),
    Route("POST", "/api/keys", create_key, "admin"),
    Route("GET", "/api/keys/{key_id}", get_key, "admin"),
    Route("PATCH", "/api/keys/{key_id}", change_key, "admin"),
    Route("DELETE", "/api/keys/{key_id}", revoke_key, "admin"),
    Route("POST", "/api/keys/{key_id}/rotate", rotate_key, "admin"),
    Route("GET", "/api/audit", list_audit, "admin"),
    Route("GET", "/api/openapi.json", get_openapi, None),
    Route("GET", "/api/docs", get_docs, None),
    Route("GET", "/api/docs/{path:.+}", get_docs_asset, None),
    Route("GET", "/", get_console, None),
    Route("GET", "/console/{path:.+}", get_console_asset, None),
    Route("GET", "/sdk.js", get_sdk, None),
    Route("GET", "/demo", get_demo, None),
    Route("GET", "/demo/{path:.+}", get_demo_asset, None),
)
