"""The contract's sample bodies, and what tests need to send and read them."""

import base64
import zlib
from typing import Any
from uuid import UUID, uuid4

import ujson

from tests.api_client import Answer, ApiClient

START: dict[str, Any] = {
    "userId": "user-123",
    "appId": "yalo-pos",
    "startTime": 1234567890,
    "metadata": {
        "url": "https://app.example.com",
        "referrer": "https://google.com",
        "userAgent": "Mozilla/5.0...",
        "screen": {"width": 1920, "height": 1080, "colorDepth": 24},
        "viewport": {"width": 1200, "height": 800},
        "language": "es-MX",
        "platform": "Win32",
    },
}
CUSTOM_EVENT: dict[str, Any] = {
    "type": "custom",
    "eventType": "checkout_started",
    "data": {"value": 99.99},
    "timestamp": 1234567890,
}
ERROR: dict[str, Any] = {
    "type": "javascript_error",
    "message": "Cannot read property...",
    "stack": "...",
    "timestamp": 1234567890,
}
HEARTBEAT: dict[str, Any] = {
    "timestamp": 1234567890,
    "stats": {"eventCount": 150, "errorCount": 2, "clickCount": 45},
}
END: dict[str, Any] = {
    "endTime": 1234567999,
    "stats": {"eventCount": 500, "errorCount": 5, "clickCount": 120},
}
META: dict[str, Any] = {
    "type": 4,
    "data": {"href": "https://app.example.com", "width": 1200, "height": 800},
    "timestamp": 1_700_000_000_000,
}
SNAPSHOT: dict[str, Any] = {
    "type": 2,
    "data": {"node": {"type": 0, "childNodes": [], "id": 1}, "initialOffset": {}},
    "timestamp": 1_700_000_000_001,
}
CLICK: dict[str, Any] = {
    "type": 3,
    "data": {"source": 2, "type": 2, "id": 7, "x": 1, "y": 2},
    "timestamp": 1_700_000_000_123,
}


def moves(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Return small events, each another."""
    return [
        {"type": 3, "data": {"source": 1, "n": n}, "timestamp": 1_700_000_000_000 + n}
        for n in range(first, first + count)
    ]


def compressed(events: object) -> dict[str, Any]:
    """Return events as the contract's sample carries them."""
    data = base64.b64encode(zlib.compress(ujson.dumps(events).encode())).decode()
    return {"compressed": True, "data": data}


def sample_batch(session_id: UUID | str) -> dict[str, Any]:
    """Return the contract's batch: 50 events, 5 custom events, 1 error."""
    return {
        "sessionId": str(session_id),
        "userId": "user-123",
        "appId": "yalo-pos",
        "events": compressed(moves(50)),
        "customEvents": [CUSTOM_EVENT] * 5,
        "errors": [ERROR],
        "metadata": {
            "timestamp": 1234567890,
            "eventCount": 50,
            "customEventCount": 5,
            "errorCount": 1,
        },
    }


async def start_sample(api: ApiClient) -> UUID:
    """Start the contract's session."""
    session_id = uuid4()
    answer = await api.request(
        "POST", "/api/sessions/start", START | {"sessionId": str(session_id)}
    )
    assert answer.status == 200, answer
    return session_id


async def info_of(api: ApiClient, session_id: UUID) -> dict[str, Any]:
    """Return a session's information."""
    answer = await api.get(f"/api/sessions/{session_id}")
    assert answer.status == 200, answer
    info: dict[str, Any] = answer.json
    return info


def fault_of(answer: Answer) -> tuple[int, str, str | None]:
    """Return the status, code and place of an error, whose body must have the one form."""
    body = answer.json
    assert isinstance(body, dict), answer
    assert body.keys() <= {"error", "code", "where"}, body
    assert isinstance(body["error"], str), body
    assert body["error"], body
    return answer.status, body["code"], body.get("where")
