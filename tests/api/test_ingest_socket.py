"""Batches over a WebSocket: stored as a POST would, in order, each with its receipt."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import ujson
from aiohttp import ClientWebSocketResponse, WSMsgType

from spectraview.access.api_keys import ApiKeys
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import Event, batch_body, batches_of, load_recording

PATIENCE = 20.0


class IngestClient:
    """An SDK's end of the socket."""

    def __init__(self, websocket: ClientWebSocketResponse) -> None:
        self.websocket = websocket

    async def send(self, body: object) -> None:
        """Send a batch as text."""
        await self.websocket.send_str(ujson.dumps(body))

    async def next(self, *kinds: str) -> Any:
        """Return the next message of these kinds; None once the server has closed."""
        async with asyncio.timeout(PATIENCE):
            async for message in self.websocket:
                assert message.type is WSMsgType.TEXT
                content = ujson.loads(message.data)
                if content["type"] in kinds:
                    return content
        return None


@asynccontextmanager
async def ingest(
    api: ApiClient, session_id: UUID, key: str = "ingest"
) -> AsyncIterator[IngestClient]:
    """Open a session's ingest socket."""
    headers = {"X-API-Key": api.keys.get(key, key)}
    path = f"/api/sessions/{session_id}/ingest"
    async with api.client.ws_connect(path, headers=headers) as websocket:
        yield IngestClient(websocket)


async def send_ahead(client: IngestClient, events: list[Event]) -> int:
    """Send all batches without waiting for receipts; return how many."""
    batches = list(batches_of(events))
    for batch in batches:
        await client.send(batch_body(batch))
    return len(batches)


async def test_batches_sent_ahead_are_stored_in_order(api: ApiClient) -> None:
    session_id, events = uuid4(), load_recording("gentelella-medium")
    async with ingest(api, session_id) as client:
        sent = await send_ahead(client, events)
        receipts = [await client.next("receipt") for _ in range(sent)]
    assert [receipt["message"] for receipt in receipts] == list(range(sent))
    assert [receipt["firstSequence"] for receipt in receipts] == list(range(0, len(events), 50))
    assert (await api.replay(session_id))["events"] == events


async def test_binary_messages_are_deflated_bodies(api: ApiClient) -> None:
    session_id, events = uuid4(), load_recording("todo-small")[:50]
    body = ujson.dumps({"appId": "shop", "events": events}).encode()
    async with ingest(api, session_id) as client:
        await client.websocket.send_bytes(zlib.compress(body))
        assert (await client.next("receipt"))["received"]["events"] == 50
    assert (await api.replay(session_id))["events"] == events


async def test_a_batch_sent_again_is_a_duplicate(api: ApiClient) -> None:
    session_id, events = uuid4(), load_recording("todo-small")[:50]
    await api.send(session_id, events)
    async with ingest(api, session_id) as client:
        await client.send(batch_body(events))
        receipt = await client.next("receipt")
    assert (receipt["duplicate"], receipt["firstSequence"]) == (True, 0)


async def test_a_bad_batch_is_refused_alone(api: ApiClient) -> None:
    session_id = uuid4()
    good = load_recording("todo-small")[:50]
    async with ingest(api, session_id) as client:
        await client.send({"appId": "shop", "events": [{"type": "3", "timestamp": 1}]})
        await client.websocket.send_bytes(b"not deflated")
        await client.websocket.send_str("{")
        await client.send(batch_body(good))
        answers = [await client.next("receipt", "error") for _ in range(4)]
    assert [answer.get("code") for answer in answers] == [
        "invalid_event",
        "invalid_compression",
        "invalid_json",
        None,
    ]
    assert answers[0]["where"] == "events[0].type"
    assert (await api.replay(session_id))["events"] == good


async def test_the_sdk_is_told_at_once_who_watches_and_what_is_wanted(api: ApiClient) -> None:
    session_id = await api.start()
    async with ingest(api, session_id) as client:
        assert (await client.next("watched"))["viewers"] == 0
        async with api.watch(session_id):
            assert await client.next("needFullSnapshot") == {"type": "needFullSnapshot"}
            assert (await client.next("watched"))["viewers"] == 1
        assert (await client.next("watched"))["viewers"] == 0


async def test_a_viewer_of_another_process_is_told_of_too(make_api: ApiFactory) -> None:
    ingesting, watching = await make_api(), await make_api()
    session_id = await ingesting.start()
    async with ingest(ingesting, session_id) as client:
        assert (await client.next("watched"))["viewers"] == 0
        async with watching.watch(session_id):
            assert (await client.next("watched"))["viewers"] == 1


async def test_too_many_batches_close_the_socket_to_be_sent_again(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_ingest=3)
    session_id, events = uuid4(), load_recording("todo-small")
    async with ingest(api, session_id) as client:  # opening it counts too
        await send_ahead(client, events)
        answers = [await client.next("receipt", "error") for _ in range(3)]
        assert [answer["type"] for answer in answers] == ["receipt", "receipt", "error"]
        assert answers[2]["code"] == "rate_limited"
        assert answers[2]["retryAfter"] > 0
        assert await client.next("receipt", "error") is None
        assert client.websocket.close_code == 1013
    assert (await api.replay(session_id))["events"] == events[:100]


async def test_more_than_can_be_stored_in_time_closes_the_socket(make_api: ApiFactory) -> None:
    api = await make_api(max_wait=1e-6)
    session_id, stored, events = uuid4(), list[Event](), load_recording("todo-small")

    async def crowd() -> None:
        other = uuid4()
        while True:
            await api.post_events(other, batch_body(events))

    await api.start(session_id)
    crowds = [asyncio.create_task(crowd()) for _ in range(10)]
    async with ingest(api, session_id) as client, asyncio.timeout(60):
        for batch in batches_of(events * 50, 1):
            await client.send(batch_body(batch))
            answer = await client.next("receipt", "error")
            if answer["type"] == "error":
                break
            stored += batch
        assert answer["code"] == "overloaded"
        assert answer["retryAfter"] in range(2, 9)
        assert await client.next("receipt", "error") is None
        assert client.websocket.close_code == 1013
    for each in crowds:
        each.cancel()
    assert (await api.replay(session_id))["events"] == stored


async def test_a_revoked_key_can_send_no_more(api: ApiClient, api_keys: ApiKeys) -> None:
    await api_keys.create("page", "sv_ingest_page", ["ingest"])
    (key_id,) = [key.key_id for key in await api_keys.list_keys() if key.name == "page"]
    events = load_recording("todo-small")
    async with ingest(api, uuid4(), key="sv_ingest_page") as client:
        await api_keys.revoke(key_id)
        for batch in batches_of(events * 50, 1):
            await client.send(batch_body(batch))
            if (answer := await client.next("receipt", "error"))["type"] == "error":
                break
        assert answer["code"] == "unauthorized"
        assert await client.next("receipt") is None
        assert client.websocket.close_code == 4401


async def test_a_read_key_opens_no_ingest_socket(api: ApiClient) -> None:
    answer = await api.get(f"/api/sessions/{uuid4()}/ingest")
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


async def test_a_plain_request_is_told_to_upgrade(api: ApiClient) -> None:
    answer = await api.get(f"/api/sessions/{uuid4()}/ingest", key="ingest")
    assert (answer.status, answer.json["code"]) == (426, "upgrade_required")
