"""A viewer sees every event of a session once, in stored order, while it comes in."""

import asyncio
import gc
import weakref
import zlib
from typing import Any
from uuid import UUID, uuid4

import pytest
import ujson

from spectraview.live.frames import BatchFrames
from tests.api_client import ApiClient, LiveClient
from tests.conftest import ApiFactory
from tests.recordings import Event, batches_of, load_recording

NOWHERE = "redis://127.0.0.1:1/0"
META, FULL_SNAPSHOT = 4, 2


def event(number: int, kind: int = 3) -> Event:
    """Return a made-up event that carries its number."""
    return {"type": kind, "data": {"source": 1, "number": number}, "timestamp": 1000 + number}


def numbers(events: list[Any]) -> list[int]:
    """Return the numbers of made-up events."""
    return [event["data"]["number"] for event in events]


async def test_a_plain_subscriber_gets_each_event_as_one_message(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")
    async with api.watch(session_id, start="start") as viewer:
        await api.upload(session_id, events)
        assert await viewer.take(len(events)) == events


async def test_a_late_subscriber_begins_at_the_newest_keyframe(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("gentelella-medium")
    half = len(events) // 2 // 50 * 50
    await api.upload(session_id, events[:half])
    newest = max(
        index
        for index in range(half - 1)
        if (events[index]["type"], events[index + 1]["type"]) == (META, FULL_SNAPSHOT)
    )
    async with api.watch(session_id) as viewer:
        uploading = asyncio.create_task(api.upload(session_id, events[half:]))
        assert await viewer.take(len(events) - newest) == events[newest:]
        await uploading


async def test_a_keyframe_cut_by_a_batch_border_is_one(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0), event(1), event(2, META)])
    await api.send(session_id, [event(3, FULL_SNAPSHOT), event(4)])
    async with api.watch(session_id) as viewer:
        assert numbers(await viewer.take(3)) == [2, 3, 4]


async def test_without_a_keyframe_a_subscriber_gets_all(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0), event(1)])
    async with api.watch(session_id) as viewer:
        assert numbers(await viewer.take(2)) == [0, 1]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("start", [0, 1, 2, 3, 4, 5]),
        ("keyframe", [2, 3, 4, 5]),
        ({"sequence": 3}, [3, 4, 5]),
        ({"sequence": 4}, [4, 5]),
        ({"batch": 1}, [2, 3, 4, 5]),
        ("now", [5]),
    ],
)
async def test_a_subscriber_begins_where_it_asks_to(
    api: ApiClient, start: object, expected: list[int]
) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0), event(1)])
    await api.send(session_id, [event(2, META), event(3, FULL_SNAPSHOT)])
    await api.send(session_id, [event(4)])
    async with api.watch(session_id, start=start, protocol=2) as viewer:
        assert (await viewer.next())["type"] == "subscribed"
        received: list[int] = []
        while (message := await viewer.next())["type"] != "synced":
            received += numbers(message["events"])
        await api.send(session_id, [event(5)])
        received += numbers((await viewer.next())["events"])
        assert received == expected


@pytest.mark.parametrize("start", [{"sequence": 6}, {"batch": 3}, {"batch": 3, "sequence": 6}])
async def test_who_resumes_gets_nothing_again_from_a_process_that_is_behind(
    make_api: ApiFactory, start: object
) -> None:
    ingesting = await make_api()
    behind = await make_api(redis_url=NOWHERE, head_interval=1.0)
    session_id = await ingesting.start()
    async with behind.watch(session_id, protocol=2) as first:
        assert [(await first.next())["type"] for _ in range(2)] == ["subscribed", "synced"]
        for number in range(0, 6, 2):
            await ingesting.send(session_id, [event(number), event(number + 1)])
        async with behind.watch(session_id, start=start, protocol=2) as resumed:
            told = [await resumed.next() for _ in range(2)]
            assert [(each["type"], each["sequence"]) for each in told] == [
                ("subscribed", 6),
                ("synced", 6),
            ]
            await ingesting.send(session_id, [event(6), event(7)])
            assert (await resumed.next())["sequence"] == [6, 7]


async def test_the_frames_of_what_nobody_watches_any_more_are_let_go(api: ApiClient) -> None:
    session_id = await api.start()
    gc.collect()
    gc.disable()  # what waits for the collector counts as kept
    try:
        before = set(map(id, frames_in_memory()))
        async with api.watch(session_id) as viewer:
            await api.send(session_id, [event(0)])
            assert await viewer.next() == event(0)
            (frames,) = [weakref.ref(f) for f in frames_in_memory() if id(f) not in before]
        async with asyncio.timeout(10):
            while frames() is not None:
                await api.get("/health")
    finally:
        gc.enable()


def frames_in_memory() -> list[BatchFrames]:
    """Return the frames of all batches."""
    return [found for found in gc.get_objects() if isinstance(found, BatchFrames)]


async def test_custom_events_and_errors_come_as_they_were_ingested(api: ApiClient) -> None:
    session_id = await api.start()
    custom = {"type": "custom", "eventType": "paid", "data": {"half": "\ud83d"}, "timestamp": 5}
    error = {"type": "javascript_error", "message": "no", "stack": "at x", "timestamp": 6}
    async with api.watch(session_id) as viewer:
        await api.send(session_id, [event(0)], customEvents=[custom], errors=[error])
        await api.send(session_id, [], customEvents=[custom])
        assert await viewer.take(4) == [event(0), custom, error, custom]


async def test_the_end_of_the_session_closes_with_1000(api: ApiClient) -> None:
    session_id = await api.start()
    async with api.watch(session_id) as viewer:
        await api.send(session_id, [event(0)])
        await api.end(session_id)
        assert numbers(await viewer.rest()) == [0]
        assert viewer.close_code == 1000


async def test_an_ended_session_is_shown_and_closed(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    await api.end(session_id)
    async with api.watch(session_id) as viewer:
        assert numbers(await viewer.rest()) == [0]
        assert viewer.close_code == 1000


async def test_protocol_2_tells_where_the_stream_stands(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0), event(1)])
    async with api.watch(session_id, protocol=2) as viewer:
        subscribed = await viewer.next()
        assert (subscribed["type"], subscribed["sequence"], subscribed["head"]) == (
            "subscribed",
            0,
            2,
        )
        first = await viewer.next()
        assert (first["type"], first["sequence"], first["batch"]) == ("events", [0, 1], 1)
        assert await viewer.next() == {"type": "synced", "sequence": 2}
        await api.end(session_id)
        assert await viewer.rest() == [{"type": "ended", "sequence": 2}]


async def test_deflate_encoding_passes_the_stored_bytes_through(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")[:50]
    async with api.watch(session_id, protocol=2, encoding="deflate") as viewer:
        assert [(await viewer.next())["type"] for _ in range(2)] == ["subscribed", "synced"]
        await api.send(session_id, events)
        frame = await viewer.next()
        length = int.from_bytes(frame[:4])
        head = ujson.loads(frame[4 : 4 + length])
        assert (head["codec"], head["sequence"]) == ("zlib", [0, 49])
        assert ujson.loads(zlib.decompress(frame[4 + length :])) == events


async def test_large_events_reach_the_viewer_whole(api: ApiClient) -> None:
    session_id = await api.start()
    large = event(0) | {"pad": [uuid4().hex for _ in range(60_000)]}
    async with api.watch(session_id) as viewer:
        await api.send(session_id, [large, event(1)])
        assert await viewer.take(2) == [large, event(1)]


async def test_viewers_of_another_process_get_everything(make_api: ApiFactory) -> None:
    ingesting, watching = await make_api(), await make_api()
    session_id = await ingesting.start()
    events = load_recording("gentelella-medium")
    async with watching.watch(session_id, start="start") as viewer:
        await ingesting.upload(session_id, events)
        assert await viewer.take(len(events)) == events


async def test_concurrent_senders_are_shown_in_stored_order(make_api: ApiFactory) -> None:
    apis = await make_api(), await make_api()
    session_id = await apis[0].start()
    events = [event(number) for number in range(600)]
    async with apis[0].watch(session_id) as one, apis[1].watch(session_id) as other:
        sends = [
            apis[index % 2].send(session_id, batch)
            for index, batch in enumerate(batches_of(events, 10))
        ]
        await asyncio.gather(*sends)
        seen = [await one.take(len(events)), await other.take(len(events))]
    stored = (await apis[0].replay(session_id))["events"]
    assert seen == [stored, stored]


async def test_the_receipt_tells_of_viewers_and_asks_for_a_snapshot(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0, META), event(1, FULL_SNAPSHOT)])
    assert (await api.send(session_id, [event(2)])).json["needFullSnapshot"] is False
    async with api.watch(session_id, protocol=2) as viewer:
        await viewer.becomes_one_of(1)
        receipt = (await api.send(session_id, [event(3)])).json
        assert (receipt["viewers"], receipt["needFullSnapshot"]) == (1, True)
        await api.send(session_id, [event(4, META), event(5, FULL_SNAPSHOT)])
        assert (await api.send(session_id, [event(6)])).json["needFullSnapshot"] is False


async def test_viewers_are_told_how_many_they_are_on_all_processes(make_api: ApiFactory) -> None:
    one, other = await make_api(), await make_api()
    session_id = await one.start()
    async with one.watch(session_id, protocol=2) as viewer:
        await viewer.becomes_one_of(1)
        async with other.watch(session_id) as _, other.watch(session_id) as _:
            await viewer.becomes_one_of(3)
        await viewer.becomes_one_of(1)


async def close_code_of(api: ApiClient, session_id: UUID, message: str) -> int | None:
    """Return the code with which a subscribe message is refused."""
    path = f"/api/sessions/{session_id}/live"
    async with api.client.ws_connect(path, headers={"X-API-Key": api.keys["read"]}) as websocket:
        await websocket.send_str(message)
        await LiveClient(websocket).rest()
        return websocket.close_code


@pytest.mark.parametrize("message", ["", "[]", "{}", '{"type":"subscribe"}', "null", "[" * 2000])
async def test_a_message_that_is_no_subscription_closes_with_4400(
    api: ApiClient, message: str
) -> None:
    assert await close_code_of(api, await api.start(), message) == 4400


async def test_another_session_than_the_addresss_closes_with_4400(api: ApiClient) -> None:
    message = ujson.dumps({"type": "subscribe", "sessionId": str(uuid4())})
    assert await close_code_of(api, await api.start(), message) == 4400


async def test_an_unknown_session_closes_with_4404(api: ApiClient) -> None:
    session_id = uuid4()
    message = ujson.dumps({"type": "subscribe", "sessionId": str(session_id)})
    assert await close_code_of(api, session_id, message) == 4404


async def test_a_plain_request_is_told_to_upgrade(api: ApiClient) -> None:
    answer = await api.get(f"/api/sessions/{uuid4()}/live")
    assert (answer.status, answer.json["code"]) == (426, "upgrade_required")


async def test_an_ingest_key_cannot_watch(api: ApiClient) -> None:
    session_id = await api.start()
    answer = await api.get(f"/api/sessions/{session_id}/live", key="ingest")
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
