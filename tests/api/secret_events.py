"""Events with secrets in them, and every form in which they can be sent."""

import base64
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from tests.api.test_batch_forms import pack
from tests.api_client import ApiClient

RULES = ("inputs", "cards", "emails", "tokens")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0LXNpZ25hdHVyZQ"
SECRETS = {
    "typed": "the text of an input",
    "value": "the value in a snapshot",
    "changed": "the value in a mutation",
    "href": "token-of-the-address",
    "page": "token-of-the-page",
    "email": "mallory@example.com",
    "card": "4111 1111 1111 1111",
    "stack": JWT,
    "member": "correct horse battery staple",
}
METADATA = {
    "url": f"https://shop.example/?access_token={SECRETS['page']}&lang=es",
    "user": {"contact": SECRETS["email"]},
}
EVENTS = [
    {
        "type": 4,
        "data": {
            "href": f"https://shop.example/cart?token={SECRETS['href']}#top",
            "width": 1200,
            "height": 800,
        },
        "timestamp": 1_700_000_000_000,
    },
    {
        "type": 2,
        "data": {
            "node": {
                "type": 0,
                "childNodes": [
                    {
                        "type": 2,
                        "tagName": "input",
                        "attributes": {"type": "text", "value": SECRETS["value"]},
                        "childNodes": [],
                        "id": 2,
                    }
                ],
                "id": 1,
            },
            "initialOffset": {"left": 0, "top": 0},
        },
        "timestamp": 1_700_000_000_001,
    },
    {
        "type": 3,
        "data": {
            "source": 0,
            "texts": [],
            "attributes": [{"id": 2, "attributes": {"value": SECRETS["changed"]}}],
            "removes": [],
            "adds": [],
        },
        "timestamp": 1_700_000_000_002,
    },
    {
        "type": 3,
        "data": {"source": 5, "text": SECRETS["typed"], "isChecked": False, "id": 2},
        "timestamp": 1_700_000_000_003,
    },
    {"type": 3, "data": {"source": 2, "type": 2, "id": 2}, "timestamp": 1_700_000_000_004},
]
LISTS: dict[str, Any] = {
    "customEvents": [
        {
            "eventType": "checkout",
            "data": {"contact": SECRETS["email"], "password": SECRETS["member"]},
            "timestamp": 5,
        }
    ],
    "errors": [
        {
            "type": "Error",
            "message": f"declined: {SECRETS['card']}",
            "stack": f"at pay ({SECRETS['stack']})",
            "timestamp": 6,
        }
    ],
}
EVENTS_JSON = json.dumps(EVENTS).replace("@", "\\u0040").encode()

TYPED_AGAIN = {**EVENTS[3], "data": {"source": 5, "text": "another", "id": 2}}

Send = Callable[[ApiClient, UUID, str], Awaitable[object]]


async def send_array(api: ApiClient, session_id: UUID, key: str) -> object:
    return await api.post_events(session_id, {"events": EVENTS, **LISTS}, key=key)


async def send_base64(api: ApiClient, session_id: UUID, key: str) -> object:
    data = base64.b64encode(zlib.compress(EVENTS_JSON)).decode()
    body = {"events": {"compressed": True, "data": data}, **LISTS}
    return await api.post_events(session_id, body, key=key)


async def send_encoded(api: ApiClient, session_id: UUID, key: str) -> object:
    body = gzip.compress(json.dumps({"events": EVENTS, **LISTS}).encode())
    return await api.post_events(session_id, body, key=key, headers={"Content-Encoding": "gzip"})


async def send_packed(api: ApiClient, session_id: UUID, key: str) -> object:
    events = [pack(event) for event in EVENTS]
    return await api.post_events(session_id, {"events": events, **LISTS}, key=key)


async def send_beacon(api: ApiClient, session_id: UUID, key: str) -> object:
    return await api.post_events(
        session_id,
        {"events": EVENTS, **LISTS},
        path=f"events?apiKey={key}",
        key=None,
        headers={"Content-Type": "text/plain;charset=UTF-8"},
    )


async def send_on_a_socket(api: ApiClient, session_id: UUID, key: str) -> object:
    path = f"/api/sessions/{session_id}/ingest"
    async with api.client.ws_connect(path, headers={"X-API-Key": key}) as websocket:
        await websocket.send_bytes(zlib.compress(json.dumps({"events": EVENTS, **LISTS}).encode()))
        while (message := await websocket.receive_json(timeout=20))["type"] != "receipt":
            assert message["type"] != "error", message
        return message


async def send_much(api: ApiClient, session_id: UUID, key: str) -> object:
    """Send what is too large for the event loop."""
    filling = {"type": 5, "data": {"tag": "x", "payload": "y" * 200_000}, "timestamp": 7}
    return await api.post_events(session_id, {"events": [*EVENTS, filling], **LISTS}, key=key)


FORMS = [
    send_array,
    send_base64,
    send_encoded,
    send_packed,
    send_beacon,
    send_on_a_socket,
    send_much,
]
