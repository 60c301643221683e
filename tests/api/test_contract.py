"""The contract's own sample bodies get the contract's answers, field by field."""

from uuid import uuid4

import pytest

from tests.api.samples import (
    CUSTOM_EVENT,
    END,
    ERROR,
    HEARTBEAT,
    START,
    compressed,
    info_of,
    moves,
    sample_batch,
    start_sample,
)
from tests.api_client import ApiClient
from tests.recordings import load_recording, recording_names


async def test_start_answers_as_the_contract_says(api: ApiClient) -> None:
    session_id = str(uuid4())
    answer = await api.request("POST", "/api/sessions/start", START | {"sessionId": session_id})
    assert answer.status == 200
    assert answer.json == {"success": True, "sessionId": session_id, "message": "Session started"}


async def test_a_start_needs_only_its_ids(api: ApiClient) -> None:
    body = {"sessionId": str(uuid4()), "appId": "yalo-pos"}
    answer = await api.request("POST", "/api/sessions/start", body)
    assert answer.status == 200


async def test_the_sample_batch_is_counted_in_its_receipt(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, sample_batch(session_id))
    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["received"] == {"events": 50, "customEvents": 5, "errors": 1}


async def test_the_receipt_tells_the_sdk_what_it_needs_to_know(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, sample_batch(session_id))
    assert answer.json == {
        "success": True,
        "received": {"events": 50, "customEvents": 5, "errors": 1},
        "firstSequence": 0,
        "viewers": 0,
        "needFullSnapshot": True,
    }


async def test_the_sample_heartbeat_is_taken(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, HEARTBEAT, path="heartbeat")
    assert answer.status == 200
    assert answer.json == {"success": True, "sessionId": str(session_id)}


async def test_the_sample_end_is_taken(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.end(session_id, **END)
    assert answer.status == 200
    assert answer.json["success"] is True


async def test_a_session_is_answered_as_the_contract_says(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, sample_batch(session_id))
    await api.end(session_id, **END)
    info = await info_of(api, session_id)
    assert info["sessionId"] == str(session_id)
    assert info["userId"] == "user-123"
    assert info["appId"] == "yalo-pos"
    assert info["startTime"] == 1234567890
    assert info["endTime"] == 1234567999
    assert info["duration"] == 109
    expected = {"totalEvents": 500, "customEvents": 5, "errors": 5, "clicks": 120}
    assert expected.items() <= info["stats"].items()
    assert info["metadata"] == START["metadata"]


async def test_a_session_that_goes_on_has_no_end(api: ApiClient) -> None:
    session_id = await start_sample(api)
    info = await info_of(api, session_id)
    assert (info["endTime"], info["duration"], info["live"]) == (None, 0, True)


async def test_a_replay_is_answered_as_the_contract_says(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, sample_batch(session_id))
    assert await api.replay(session_id) == {
        "sessionId": str(session_id),
        "events": moves(50),
        "customEvents": [CUSTOM_EVENT] * 5,
        "errors": [ERROR],
    }


async def test_the_list_is_answered_as_the_contract_says(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, sample_batch(session_id))
    await api.end(session_id, **END)
    listed = (await api.get("/api/sessions")).json
    (entry,) = listed.pop("sessions")
    assert listed == {"total": 1, "limit": 50, "offset": 0}
    expected = {
        "sessionId": str(session_id),
        "userId": "user-123",
        "appId": "yalo-pos",
        "startTime": 1234567890,
        "duration": 109,
        "errorCount": 5,
        "eventCount": 500,
    }
    assert expected.items() <= entry.items()


async def test_health_is_answered_as_the_contract_says(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, sample_batch(session_id))
    answer = await api.get("/health", key=None)
    assert answer.status == 200
    assert answer.json.pop("uptime") in range(60)
    assert set(answer.json.pop("replay_cache")) == {"hits", "misses"}
    assert answer.json == {
        "status": "healthy",
        "database": "connected",
        "redis": "connected",
        "sessions_active": 1,
        "events_per_minute": 50,
    }


async def test_an_uncompressed_array_is_taken_too(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, sample_batch(session_id) | {"events": moves(50)})
    assert answer.json["received"]["events"] == 50


async def test_a_session_of_many_batches_is_replayed_in_order(api: ApiClient) -> None:
    session_id = await start_sample(api)
    for first in range(0, 30, 10):
        await api.post_events(session_id, {"events": compressed(moves(10, first))})
    assert (await api.replay(session_id))["events"] == moves(30)


@pytest.mark.parametrize("name", recording_names())
async def test_a_recording_comes_back_as_it_went_in(api: ApiClient, name: str) -> None:
    events = load_recording(name)
    session_id = await api.start()
    await api.upload(session_id, events)
    replay = await api.replay(session_id)
    assert replay["sessionId"] == str(session_id)
    assert replay["events"] == events
