"""What a key may use in a day is counted in all processes, outlives Redis, and ends there."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import pytest
import redis
import ujson

from spectraview.access.api_keys import ApiKeys, KeyLimits, new_key_text
from spectraview.keys import QUOTAS
from spectraview.storage.database import Database
from tests.api.samples import CLICK, fault_of
from tests.api_client import Answer, ApiClient
from tests.conftest import ApiFactory

NOBODY_LISTENS = "redis://127.0.0.1:1/0"
NUMBERS = count(1_000)
KeyFactory = Callable[..., Awaitable[str]]


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
def make_key(api_keys: ApiKeys) -> KeyFactory:
    """Return a factory of keys that may use so much; it returns a key's text."""

    async def make(**limits: int) -> str:
        text = new_key_text(("ingest", "read"))
        scopes = ("ingest", "read")
        await api_keys.create("a quota's", text, scopes, limits=KeyLimits(**limits))
        return text

    return make


async def post(api: ApiClient, session_id: UUID, key: str, events: int = 1) -> Answer:
    """Post a batch that is like no other."""
    batch = [{**CLICK, "timestamp": next(NUMBERS)} for _ in range(events)]
    return await api.post_events(session_id, {"events": batch}, key=key)


def seconds_of_today() -> int:
    """Return how many seconds this day (UTC) still has."""
    now = datetime.now(UTC)
    return 86_400 - now.hour * 3600 - now.minute * 60 - now.second


async def test_events_beyond_the_quota_are_refused_until_the_day_ends(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key, session_id = await make_key(events_per_day=5), await api.start()
    first, second = await post(api, session_id, key, 3), await post(api, session_id, key, 3)
    assert [first.status, second.status] == [200, 200]  # what crosses the line is taken
    refused = await post(api, session_id, key)
    assert fault_of(refused) == (429, "quota_exceeded", None)
    assert abs(int(refused.headers["Retry-After"]) - seconds_of_today()) <= 2
    assert refused.headers["RateLimit"].startswith('"events-a-day";r=0;t=')
    assert len((await api.replay(session_id))["events"]) == 6


async def test_answers_tell_what_is_left(api: ApiClient, make_key: KeyFactory) -> None:
    key, session_id = await make_key(events_per_day=5, requests_per_day=9), await api.start()
    await post(api, session_id, key, 2)
    answer = await post(api, session_id, key)
    left = answer.headers["RateLimit"]
    assert left.startswith('"minute";r=999998, "requests-a-day";r=7;t=')
    assert ', "events-a-day";r=3;t=' in left


async def test_bytes_are_counted_as_they_are_sent(api: ApiClient, make_key: KeyFactory) -> None:
    key, session_id = await make_key(bytes_per_day=150), await api.start()
    answers = [await post(api, session_id, key) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]


async def test_a_batch_that_is_sent_again_is_counted_once(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key, session_id = await make_key(events_per_day=2), await api.start()
    for _ in range(3):
        answer = await api.post_events(session_id, {"events": [CLICK]}, key=key)
        assert answer.status == 200
    assert (await post(api, session_id, key)).status == 200
    assert (await post(api, session_id, key)).status == 429


async def test_who_may_store_no_more_may_still_read(api: ApiClient, make_key: KeyFactory) -> None:
    key, session_id = await make_key(events_per_day=1), await api.start()
    await post(api, session_id, key)
    assert (await post(api, session_id, key)).status == 429
    assert (await api.get(f"/api/sessions/{session_id}", key=key)).status == 200


async def test_requests_beyond_the_quota_are_refused_and_do_not_count(
    api: ApiClient, api_keys: ApiKeys, make_key: KeyFactory
) -> None:
    key = await make_key(requests_per_day=2)
    answers = [await api.get("/api/sessions", key=key) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert fault_of(answers[-1])[:2] == (429, "quota_exceeded")
    key_id = (await api_keys.list_keys())[-1].key_id
    change = {"requestsPerDay": 3}
    await api.request("PATCH", f"/api/keys/{key_id}", change, key="admin")
    answers = [await api.get("/api/sessions", key=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]


async def test_two_processes_count_together(make_api: ApiFactory, make_key: KeyFactory) -> None:
    both = [await make_api(), await make_api()]
    key, session_id = await make_key(events_per_day=20), await both[0].start()
    accepted = 0
    while (await post(both[accepted % 2], session_id, key)).status == 200:
        accepted += 1
    assert 20 <= accepted <= 30  # each alone would take 20


async def test_what_redis_has_lost_is_known_from_postgresql(
    make_api: ApiFactory, make_key: KeyFactory, redis_url: str
) -> None:
    first, second = await make_api(), await make_api()
    key, session_id = await make_key(events_per_day=2), await first.start()
    assert [(await post(first, session_id, key)).status for _ in range(2)] == [200, 200]
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    assert (await post(first, session_id, key)).status == 429  # it has counted itself
    await first.client.app[QUOTAS].flush()
    assert (await post(second, session_id, key)).status == 429


async def test_without_redis_a_process_counts_for_itself(
    make_api: ApiFactory, make_key: KeyFactory
) -> None:
    api = await make_api(redis_url=NOBODY_LISTENS)
    key, session_id = await make_key(events_per_day=2), await api.start()
    answers = [await post(api, session_id, key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]


async def test_a_socket_is_told_when_the_quota_is_used(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key, session_id = await make_key(events_per_day=2), await api.start()
    path = f"/api/sessions/{session_id}/ingest"
    async with api.client.ws_connect(path, headers={"X-API-Key": key}) as socket:
        told = []
        for number in range(3):
            await socket.send_json({"events": [{**CLICK, "timestamp": number}]})
            while (answer := await socket.receive_json(timeout=10))["type"] == "watched":
                pass
            told.append(answer)
        assert [answer["type"] for answer in told] == ["receipt", "receipt", "error"]
        assert told[-1]["code"] == "quota_exceeded"
        assert abs(told[-1]["retryAfter"] - seconds_of_today()) <= 2
    assert (await api.replay(session_id))["events"][-1]["timestamp"] == 1


async def test_what_all_processes_have_used_is_summed(
    make_api: ApiFactory, make_key: KeyFactory, api_keys: ApiKeys
) -> None:
    first, second = await make_api(), await make_api()
    key, session_id = await make_key(), await first.start()
    for api in (first, second):
        await asyncio.gather(*(post(api, session_id, key, 5) for _ in range(4)))
    await asyncio.gather(*(api.client.app[QUOTAS].flush() for api in (first, second)))
    key_id = (await api_keys.list_keys())[-1].key_id
    used = (await first.get(f"/api/keys/{key_id}", key="admin")).json["usedToday"]
    assert (used["requests"], used["events"]) == (8, 40)
    assert used["bytes"] == 8 * len(ujson.dumps({"events": [{**CLICK, "timestamp": 1000}] * 5}))


async def test_a_key_has_limits_of_its_own_for_a_minute(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key, session_id = await make_key(ingest_per_minute=2, read_per_minute=1), await api.start()
    answers = [await post(api, session_id, key) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit"] == '"minute";r=1'
    assert answers[2].headers["RateLimit"].startswith('"minute";r=0;t=')
    answers = [await api.get("/api/sessions", key=key) for _ in range(2)]
    assert fault_of(answers[1])[:2] == (429, "rate_limited")


async def test_what_was_used_long_ago_is_forgotten(
    make_api: ApiFactory, database: Database, api_keys: ApiKeys
) -> None:
    await database.fetch_all(
        "INSERT INTO api_key_usage VALUES (1, current_date - 500, 1, 1, 1),"
        " (1, current_date - 300, 1, 1, 1)"
    )
    await (await make_api()).client.app[QUOTAS].flush()
    rows = await database.fetch_all("SELECT current_date - day FROM api_key_usage WHERE key_id = 1")
    days = {row[0] for row in rows}
    assert 300 in days
    assert 500 not in days
