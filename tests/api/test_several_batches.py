"""A body may hold several batches: what a page sends in one beacon when it goes."""

from typing import Any

import pytest

from tests.api.samples import fault_of, moves, start_sample
from tests.api_client import ApiClient


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


def batch(name: str, first: int, count: int = 3) -> dict[str, Any]:
    """Return a batch of moves with a name."""
    return {"events": moves(count, first), "metadata": {"batchId": name}}


async def test_they_are_stored_in_their_order(api: ApiClient) -> None:
    session_id = await start_sample(api)
    body = {"batches": [batch(str(n), 10 * n) for n in range(5)]}
    answer = await api.post_events(session_id, body)
    assert answer.status == 200
    assert [receipt["firstSequence"] for receipt in answer.json["batches"]] == [0, 3, 6, 9, 12]
    stored = (await api.replay(session_id))["events"]
    assert stored == [event for each in body["batches"] for event in each["events"]]


async def test_those_that_are_stored_already_are_not_stored_again(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, batch("one", 0))
    answer = await api.post_events(session_id, {"batches": [batch("one", 0), batch("two", 10)]})
    one, two = answer.json["batches"]
    assert one["duplicate"]
    assert "duplicate" not in two
    assert len((await api.replay(session_id))["events"]) == 6


async def test_they_create_their_session(api: ApiClient) -> None:
    session_id = "6d1f1a52-3c1f-4a7e-9a44-0f0c6d2b7c11"
    body = {"batches": [batch("one", 0) | {"appId": "shop", "userId": "user-1"}]}
    answer = await api.request("POST", f"/api/sessions/{session_id}/events", body)
    assert answer.status == 200
    assert (await api.get(f"/api/sessions/{session_id}")).json["userId"] == "user-1"


async def test_one_at_fault_is_named_and_those_before_it_are_stored(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, {"batches": [batch("one", 0), {"events": 1}]})
    assert fault_of(answer)[:2] == (400, "invalid_body")
    assert len((await api.replay(session_id))["events"]) == 3


async def test_more_than_a_hundred_are_refused(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, {"batches": [{}] * 101})
    assert fault_of(answer) == (400, "invalid_body", "batches")


async def test_batches_that_would_be_overlooked_are_refused(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, {"events": moves(1), "batches": []})
    assert fault_of(answer) == (400, "invalid_body", "batches")
    assert (await api.replay(session_id))["events"] == []


async def test_no_batches_are_none(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, {"batches": None, "events": moves(1)})
    assert answer.status == 200
    assert len((await api.replay(session_id))["events"]) == 1
