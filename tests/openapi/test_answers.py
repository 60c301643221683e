"""What the API answers is what its document says, with a real recording."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import ujson

from tests.api.samples import CUSTOM_EVENT, ERROR
from tests.api_client import ApiClient
from tests.openapi.conformance import the_conformance
from tests.recordings import load_recording

RECORDING = load_recording("todo-small")
JSON = {"Content-Type": "application/json", "X-Request-Id": "0123456789abcdef"}
"""Headers of an answer."""


async def recorded(api: ApiClient) -> UUID:
    """Store a recording with custom events and errors, and end it."""
    session_id = await api.start(startTime=RECORDING[0]["timestamp"], ticketId="T-1")
    await api.upload(session_id, RECORDING)
    await api.send(session_id, [], customEvents=[CUSTOM_EVENT], errors=[ERROR])
    await api.end(session_id)
    return session_id


READS = (
    "",
    "/replay",
    "/replay?from=0&toSequence=40",
    "/replay/manifest",
    "/live",
)
OTHERS = (
    "/api/sessions",
    "/api/sessions?limit=1",
    "/api/analytics",
    "/api/analytics/errors",
    "/api/analytics/events",
    "/api/users/user-123/export",
    "/api/storage",
    "/api/keys",
    "/api/keys?limit=1",
    "/api/keys/1",
    "/api/audit",
    "/health",
    "/health/live",
    "/health/ready",
)


async def test_every_reading_answer_is_as_documented(api: ApiClient) -> None:
    session_id = await recorded(api)
    paths = [f"/api/sessions/{session_id}{path}" for path in READS]
    for path in (*paths, *OTHERS):
        answer = await api.request("GET", path, key="admin")
        assert answer.status == (426 if path.endswith(f"{session_id}/live") else 200), path
        # ApiClient itself has compared the answer with the document.
        assert answer.json


async def test_every_writing_answer_is_as_documented(api: ApiClient) -> None:
    session_id = await recorded(api)
    path = f"/api/sessions/{session_id}"
    several = {"batches": [{"events": RECORDING[:2]}, {}]}
    assert (await api.post_events(session_id, several)).json["batches"]
    assert (await api.post_events(session_id, {}, path="heartbeat")).status == 200
    assert (await api.request("POST", f"{path}/tokens", {}, key="read")).status == 200
    made = await api.request("POST", "/api/keys", {"name": "a", "scopes": ["read"]}, key="admin")
    assert made.status == 201
    key = f"/api/keys/{made.json['id']}"
    assert (await api.request("PATCH", key, {"name": "b"}, key="admin")).status == 200
    assert (await api.request("POST", f"{key}/rotate", {}, key="admin")).status == 200
    assert (await api.request("DELETE", key, key="admin")).status == 200
    assert (await api.request("DELETE", path, key="admin")).status == 200
    assert (await api.request("DELETE", "/api/users/nobody", key="admin")).status == 200


async def test_every_live_message_is_as_documented(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, RECORDING[:5], customEvents=[CUSTOM_EVENT], errors=[ERROR])
    async with api.watch(session_id, start="start", protocol=2) as viewer:
        messages = await viewer.take(3)
        await api.end(session_id)
        messages += await viewer.rest()
    assert {message["type"] for message in messages} == {"subscribed", "events", "synced", "ended"}
    schema = sent_by("server, protocol 2", "/api/sessions/{session_id}/live")
    for message in messages:
        assert the_conformance().violations(schema, message) == []


async def test_every_message_of_the_ingest_socket_is_as_documented(api: ApiClient) -> None:
    path = f"/api/sessions/{uuid4()}/ingest"
    schema = sent_by("server", "/api/sessions/{session_id}/ingest")
    headers = {"X-API-Key": api.keys["ingest"]}
    async with api.client.ws_connect(path, headers=headers) as socket:
        await socket.send_json({"appId": "shop", "events": RECORDING[:2]}, dumps=ujson.dumps)
        await socket.send_json({"events": 1}, dumps=ujson.dumps)
        messages = [await socket.receive_json() for _ in range(3)]
    assert [message["type"] for message in messages] == ["watched", "receipt", "error"]
    for message in messages:
        assert the_conformance().violations(schema, message) == []


def sent_by(who: str, path: str) -> dict[str, Any]:
    """Return the schema of the messages of a WebSocket."""
    schema: dict[str, Any] = the_conformance().document["paths"][path]["get"]["x-messages"][who]
    return schema


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"status": "live", "more": 1}, "Additional properties"),
        ({"other": 1}, "required"),
        ({"status": "dead"}, "not one of"),
    ],
)
def test_answers_that_are_otherwise_are_found(body: dict[str, Any], fault: str) -> None:
    found = the_conformance().faults("GET", "/health/live", 200, JSON, body)
    assert any(fault in text for text in found), found


def test_undocumented_statuses_and_types_are_found() -> None:
    conformance = the_conformance()
    assert conformance.faults("GET", "/health/live", 418, JSON, {"a": 1})
    html = JSON | {"Content-Type": "text/html; charset=utf-8"}
    assert conformance.faults("GET", "/health/live", 200, html, "<p>")
    assert not conformance.faults("GET", "/nowhere", 418, html, "<p>")


@pytest.mark.parametrize(
    ("status", "sent", "faults"),
    [
        (200, {"RateLimit": '"minute";r=9'}, []),
        (200, {"RateLimit": '"minute";r=9, "bytes-a-day";r=0;t=60'}, []),
        (200, {}, ["the header RateLimit is missing"]),
        (200, {"RateLimit": "9"}, ["the header RateLimit: "]),
        (200, {"RateLimit": '"minute";r=9', "X-Request-Id": "a b"}, ["the header X-Request-Id: "]),
        (401, {}, []),
        (405, {}, ["the header Allow is missing"]),
        (429, {"Retry-After": "60"}, []),
        (429, {}, ["the header Retry-After is missing"]),
        (503, {"Retry-After": "soon"}, ["the header Retry-After: "]),
        (503, {"Retry-After": "0"}, ["the header Retry-After: "]),
    ],
)
def test_headers_that_are_missing_or_otherwise_are_found(
    status: int, sent: dict[str, str], faults: list[str]
) -> None:
    found = the_conformance().faults("GET", "/api/storage", status, JSON | sent, None)
    assert len(found) == len(faults)
    assert all(text.startswith(fault) for text, fault in zip(found, faults, strict=True)), found


def test_an_answer_without_a_request_id_is_found() -> None:
    headers = {"Content-Type": "application/json"}
    found = the_conformance().faults("GET", "/health/live", 200, headers, {"status": "live"})
    assert found == ["the header X-Request-Id is missing"]
