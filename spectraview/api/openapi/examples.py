"""Examples of bodies and answers, for the document of the API."""

from typing import Any, Final

Example = dict[str, Any]

_SESSION_ID: Final = "0b0f7a52-6a3c-4d0e-9d2c-0f3c6f1f2a11"
_TIME: Final = 1_764_000_000_000
_MOMENT: Final = "2025-11-24T16:00:00+00:00"
_META: Example = {
    "type": 4,
    "data": {"href": "https://shop.example/", "width": 1200, "height": 800},
    "timestamp": _TIME,
}
_CUSTOM_EVENT: Example = {
    "type": "custom",
    "eventType": "checkout_started",
    "data": {"value": 99.99},
    "timestamp": _TIME,
}
_ERROR: Example = {
    "type": "javascript_error",
    "message": "Cannot read property 'id' of null",
    "stack": "TypeError: …\n    at pay (shop.js:12:4)",
    "timestamp": _TIME,
}

START: Example = {
    "sessionId": _SESSION_ID,
    "appId": "shop",
    "userId": "user-123",
    "startTime": _TIME,
    "metadata": {"url": "https://shop.example/", "language": "es-MX"},
}
STARTED: Example = {"success": True, "sessionId": _SESSION_ID, "message": "Session started"}
ENDED: Example = {"success": True, "sessionId": _SESSION_ID, "message": "Session ended"}
DONE: Example = {"success": True, "sessionId": _SESSION_ID}
HEARTBEAT: Example = {"stats": {"eventCount": 150, "errorCount": 2, "clickCount": 45}}
END: Example = {"endTime": _TIME + 109_000} | HEARTBEAT
BATCH: Example = {
    "events": [_META],
    "customEvents": [_CUSTOM_EVENT],
    "errors": [_ERROR],
    "metadata": {"batchId": "page-1-batch-7"},
}
RECEIPT: Example = {
    "success": True,
    "received": {"events": 1, "customEvents": 1, "errors": 1},
    "firstSequence": 50,
    "viewers": 1,
    "needFullSnapshot": False,
}
_COMMON: Example = {
    "sessionId": _SESSION_ID,
    "userId": "user-123",
    "appId": "shop",
    "ticketId": None,
    "startTime": _TIME,
    "endTime": None,
    "duration": 109,
}
SESSION: Example = _COMMON | {
    "stats": {
        "totalEvents": 500,
        "customEvents": 3,
        "errors": 5,
        "clicks": 120,
        "rageClicks": 1,
        "deadClicks": 2,
    },
    "live": True,
    "viewers": 1,
    "expiresAt": _MOMENT,
    "metadata": {"url": "https://shop.example/"},
}
SESSION_PAGE: Example = {
    "sessions": [
        _COMMON
        | {
            "errorCount": 5,
            "eventCount": 500,
            "clickCount": 120,
            "rageClickCount": 1,
            "deadClickCount": 2,
            "url": "https://shop.example/",
            "live": True,
        }
    ],
    "total": 150,
    "limit": 50,
    "offset": 0,
    "cursor": (
        "MjAyNS0xMS0yNFQxNjowMDowMCswMDowMCAwYjBmN2E1Mi02YTNjLTRkMGUtOWQyYy0wZjNjNmYxZjJhMTEg"
        "MTUwIDA="
    ),
}
REPLAY: Example = {
    "sessionId": _SESSION_ID,
    "events": [_META],
    "customEvents": [_CUSTOM_EVENT],
    "errors": [_ERROR],
}
MANIFEST: Example = {
    "sessionId": _SESSION_ID,
    "version": 10,
    "live": False,
    "sealed": True,
    "events": 500,
    "sizeBytes": 812_345,
    "startTimestamp": _TIME,
    "endTimestamp": _TIME + 109_000,
    "parts": [
        {
            "firstSequence": 0,
            "lastSequence": 499,
            "startTimestamp": _TIME,
            "endTimestamp": _TIME + 109_000,
            "sizeBytes": 812_345,
        }
    ],
    "keyframes": [{"sequence": 0, "timestamp": _TIME}],
    "activity": {"startTimestamp": _TIME, "intervalMs": 1000, "counts": [0, 4, 9]},
    "idle": [{"from": _TIME + 20_000, "to": _TIME + 40_000}],
    "pages": [{"sequence": 0, "timestamp": _TIME, "href": "https://shop.example/"}],
    "clicks": [{"sequence": 7, "timestamp": _TIME + 900, "x": 5, "y": 5, "nodeId": 12}],
    "rageClicks": [{"timestamp": _TIME + 3000, "x": 5, "y": 5, "clicks": 4}],
    "deadClicks": [{"sequence": 7, "timestamp": _TIME + 900, "x": 5, "y": 5, "nodeId": 12}],
    "errors": [{"timestamp": _TIME, "type": "javascript_error", "message": "Cannot read …"}],
    "customEvents": [{"timestamp": _TIME, "eventType": "checkout_started"}],
    "truncated": False,
}
ANALYTICS: Example = {
    "analytics": [
        {
            "appId": "shop",
            "date": "2025-11-24",
            "totalSessions": 150,
            "uniqueUsers": 80,
            "avgDuration": 96.5,
            "totalErrors": 12,
            "totalClicks": 4200,
            "avgEventsPerSession": 450.25,
            "sessionsWithErrors": 9,
            "rageClickCount": 3,
            "deadClickCount": 14,
        }
    ],
    "refreshedAt": _MOMENT,
}
_PAGING: Example = {
    "total": 1,
    "limit": 50,
    "offset": 0,
    "from": "2025-11-17T16:00:00+00:00",
    "to": _MOMENT,
}
ERROR_GROUPS: Example = _PAGING | {
    "errors": [
        {
            "type": "javascript_error",
            "message": "Cannot read property 'id' of null",
            "frame": "at pay (shop.js:12:4)",
            "count": 5,
            "sessions": 1,
            "sessionIds": [_SESSION_ID],
            "firstSeen": _MOMENT,
            "lastSeen": _MOMENT,
        }
    ]
}
EVENT_COUNTS: Example = _PAGING | {
    "events": [{"eventType": "checkout_started", "date": "2025-11-24", "count": 3, "sessions": 2}]
}
DELETED_SESSIONS: Example = {"success": True, "deletedSessions": 3}
EXPORT: Example = {"userId": "user-123", "sessions": [{"session": SESSION, "replay": REPLAY}]}
TOKEN_REQUEST: Example = {"seconds": 600}
TOKEN: Example = {"token": "eyJhbGciOi…", "sessionId": _SESSION_ID, "expiresAt": _MOMENT}
STORAGE_USE: Example = {
    "bytes": 1_510_000,
    "database": {
        "bytes": 1_600_000,
        "events": 10_000,
        "segments": 1_500_000,
        "customEvents": 20_000,
        "errors": 20_000,
        "batches": 20_000,
        "sessions": 20_000,
        "sessionsArchive": 5_000,
        "archiveObjects": 5_000,
    },
    "objects": {"bytes": 0, "count": 0},
    "days": [{"day": "2025-11-24", "bytes": 1_510_000, "sessions": 4}],
    "apps": [{"appId": "shop", "sessions": 4, "events": 7_100, "bytes": 1_400_000}],
    "estimated": False,
}
HEALTH: Example = {
    "status": "healthy",
    "database": "connected",
    "redis": "connected",
    "uptime": 3600,
    "sessions_active": 45,
    "events_per_minute": 5000,
    "replay_cache": {"hits": 90, "misses": 10},
}
UNHEALTHY: Example = {
    "status": "unhealthy",
    "database": "disconnected",
    "sessions_active": None,
}
