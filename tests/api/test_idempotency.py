"""A batch that is sent again is stored once, however the client names it."""

import asyncio
from typing import Any

import pytest

from tests.api.samples import CUSTOM_EVENT, ERROR, fault_of, info_of, moves, start_sample
from tests.api_client import ApiClient

BATCH: dict[str, Any] = {
    "events": moves(10),
    "customEvents": [CUSTOM_EVENT],
    "errors": [ERROR],
}
OTHER: dict[str, Any] = {"events": moves(10, 10)}
NAMED: list[dict[str, Any]] = [
    {"headers": {"Idempotency-Key": "batch-1"}},
    {"metadata": {"batchId": "batch-1"}},
]


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


def sent(batch: dict[str, Any], name: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that post a batch under a name."""
    metadata = {"metadata": name["metadata"]} if "metadata" in name else {}
    return {"body": batch | metadata, "headers": name.get("headers", {})}


async def test_the_same_body_twice_is_stored_once(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, OTHER)
    first = await api.post_events(session_id, BATCH)
    again = await api.post_events(session_id, BATCH)
    assert again.status == 200
    assert again.json == first.json | {"duplicate": True}
    assert again.json["firstSequence"] == 10
    stats = (await info_of(api, session_id))["stats"]
    assert (stats["totalEvents"], stats["customEvents"], stats["errors"]) == (20, 1, 1)


async def test_other_metadata_do_not_make_another_batch(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, BATCH | {"metadata": {"timestamp": 1}})
    again = await api.post_events(session_id, BATCH | {"metadata": {"timestamp": 2}})
    assert again.json["duplicate"] is True


@pytest.mark.parametrize("name", NAMED)
async def test_a_named_batch_twice_is_stored_once(api: ApiClient, name: dict[str, Any]) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, **sent(BATCH, name))
    again = await api.post_events(session_id, **sent(BATCH, name))
    assert again.json["duplicate"] is True
    assert (await info_of(api, session_id))["stats"]["totalEvents"] == 10


@pytest.mark.parametrize("name", NAMED)
async def test_a_name_with_other_content_is_a_conflict(
    api: ApiClient, name: dict[str, Any]
) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, **sent(BATCH, name))
    answer = await api.post_events(session_id, **sent(OTHER, name))
    assert fault_of(answer) == (409, "idempotency_conflict", None)
    assert (await api.replay(session_id))["events"] == moves(10)


async def test_the_same_content_under_two_names_is_two_batches(api: ApiClient) -> None:
    session_id = await start_sample(api)
    for key in ("a", "b"):
        await api.post_events(session_id, BATCH, headers={"Idempotency-Key": key})
    assert (await api.replay(session_id))["events"] == moves(10) * 2


async def test_two_sessions_do_not_share_names(api: ApiClient) -> None:
    for _ in range(2):
        session_id = await start_sample(api)
        answer = await api.post_events(session_id, BATCH, headers={"Idempotency-Key": "same"})
        assert "duplicate" not in answer.json


@pytest.mark.parametrize("name", [{}, *NAMED])
async def test_a_batch_sent_many_times_at_once_is_stored_once(
    api: ApiClient, name: dict[str, Any]
) -> None:
    session_id = await start_sample(api)
    answers = await asyncio.gather(
        *(api.post_events(session_id, **sent(BATCH, name)) for _ in range(6))
    )
    assert [answer.status for answer in answers] == [200] * 6
    assert sum("duplicate" not in answer.json for answer in answers) == 1
    replay = await api.replay(session_id)
    assert (replay["events"], replay["customEvents"]) == (moves(10), [CUSTOM_EVENT])


async def test_a_batch_sent_to_two_processes_at_once_is_stored_once(
    api: ApiClient, make_api: Any
) -> None:
    other = await make_api()
    session_id = await start_sample(api)
    answers = await asyncio.gather(
        *(one.post_events(session_id, BATCH) for one in (api, other) * 3)
    )
    assert sum("duplicate" not in answer.json for answer in answers) == 1
    assert (await api.replay(session_id))["events"] == moves(10)


async def test_a_conflict_beside_its_first_leaves_that_stored(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answers = await asyncio.gather(
        *(
            api.post_events(session_id, batch, headers={"Idempotency-Key": "same"})
            for batch in (BATCH, OTHER)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    assert len((await api.replay(session_id))["events"]) == 10
