"""The contract's keys in Redis, and that nothing depends on them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from tests.api.samples import HEARTBEAT, META, SNAPSHOT, info_of, moves, start_sample
from tests.api_client import ApiClient
from tests.conftest import ApiFactory


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of its own."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


async def settled(api: ApiClient) -> None:
    """Return when all that was queued for Redis has been answered."""
    assert (await api.get("/health", key=None)).json["redis"] == "connected"


async def session_hash(redis: Any, session_id: UUID) -> dict[str, str]:
    """Return a session's hash, whose time to live must be the contract's."""
    key = f"session:{{{session_id}}}"
    assert 3590 <= await redis.ttl(key) <= 3600
    fields: dict[str, str] = await redis.hgetall(key)
    return fields


async def test_a_start_keeps_the_session(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    await settled(api)
    fields = await session_hash(redis, session_id)
    assert int(fields.pop("lastActivity")) in range(1_700_000_000, 10_000_000_000)
    assert fields == {
        "userId": "user-123",
        "appId": "yalo-pos",
        "startTime": "1234567890",
        "eventCount": "0",
    }


async def test_a_batch_counts_in_the_kept_session(api: ApiClient, redis: Any) -> None:
    session_id = await api.start(startTime=1_700_000_000_123)
    await api.send(session_id, moves(30))
    await api.send(session_id, moves(12, 30))
    await settled(api)
    fields = await session_hash(redis, session_id)
    assert (fields["eventCount"], fields["startTime"]) == ("42", "1700000000123")
    assert int(fields["lastActivity"]) > 1_700_000_000_000


async def test_a_heartbeat_keeps_the_session_for_another_hour(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    await settled(api)
    await redis.expire(f"session:{{{session_id}}}", 5)
    await api.post_events(session_id, HEARTBEAT, path="heartbeat")
    await settled(api)
    await session_hash(redis, session_id)


async def test_batches_are_buffered_for_five_minutes(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    for first in range(0, 100, 10):
        await api.post_events(session_id, {"events": moves(10, first)})
    await settled(api)
    key = f"events:{{{session_id}}}:buffer"
    assert 290 <= await redis.ttl(key) <= 300
    assert await redis.llen(key) == 8


async def test_a_large_batch_is_not_buffered(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    custom = {"eventType": "a", "timestamp": 1, "data": "x" * 70_000}
    await api.post_events(session_id, {"customEvents": [custom]})
    await settled(api)
    assert await redis.exists(f"events:{{{session_id}}}:buffer") == 0


async def test_uses_of_a_key_are_counted_for_a_minute(api: ApiClient, redis: Any) -> None:
    await start_sample(api)
    await api.get("/api/sessions?limit=1")
    keys = [key async for key in redis.scan_iter("rate:apikey:*")]
    assert len(keys) == 2
    for key in keys:
        assert 50 <= await redis.ttl(key) <= 60
        assert await redis.get(key) == "1"


async def test_a_window_is_not_prolonged_by_its_requests(api: ApiClient, redis: Any) -> None:
    await api.get("/api/sessions?limit=1")
    (key,) = [key async for key in redis.scan_iter("rate:apikey:*")]
    await redis.expire(key, 20)
    await api.get("/api/sessions?limit=1")
    assert await redis.ttl(key) <= 20


async def test_a_replay_is_kept_for_an_hour(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": moves(10)})
    await api.replay(session_id)
    await settled(api)
    assert 3590 <= await redis.ttl(f"replay:{{{session_id}}}") <= 3600
    assert (await api.replay(session_id))["events"] == moves(10)


async def test_a_kept_replay_is_served(api: ApiClient, redis_url: str) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": moves(10)})
    await api.replay(session_id)
    await settled(api)
    async with Redis.from_url(redis_url) as client:
        kept: Any = await client.get(f"replay:{{{session_id}}}")
        assert kept.startswith(b"1:\x1f\x8b")
        hits = (await client.info("stats"))["keyspace_hits"]
        await api.replay(session_id)
        assert (await client.info("stats"))["keyspace_hits"] > hits


async def test_a_kept_replay_is_not_served_after_new_events(api: ApiClient) -> None:
    session_id = await start_sample(api)
    for count in range(5):
        assert (await api.replay(session_id))["events"] == moves(count * 10)
        await settled(api)
        await api.post_events(session_id, {"events": moves(10, count * 10)})


async def test_replays_that_are_read_while_events_come_are_never_kept_as_newer(
    api: ApiClient,
) -> None:
    session_id = await start_sample(api)

    async def read() -> int:
        events = (await api.replay(session_id))["events"]
        assert events == moves(len(events))
        return len(events)

    for first in range(0, 100, 10):
        post = api.post_events(session_id, {"events": moves(10, first)})
        await asyncio.gather(read(), post, read())
        assert await read() == first + 10


async def test_garbage_in_the_keys_is_overcome(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    await settled(api)
    for key in ("session:{%s}", "events:{%s}:buffer", "replay:{%s}", "snapshot:{%s}"):
        await redis.delete(key % session_id)
        await redis.sadd(key % session_id, "garbage")
    await api.post_events(session_id, {"events": moves(10)})
    assert (await api.replay(session_id))["events"] == moves(10)


async def test_a_flush_between_requests_loses_nothing(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    for first in range(0, 50, 10):
        await redis.flushall()
        answer = await api.post_events(session_id, {"events": moves(10, first)})
        assert answer.json["firstSequence"] == first
        await redis.flushall()
        assert (await api.replay(session_id))["events"] == moves(first + 10)


async def test_flushes_during_requests_break_none(api: ApiClient, redis: Any) -> None:
    session_id = await start_sample(api)
    done = asyncio.Event()

    async def flush() -> None:
        while not done.is_set():
            await redis.flushall()

    async with asyncio.TaskGroup() as group:
        group.create_task(flush())
        for first in range(0, 200, 10):
            answer = await api.post_events(session_id, {"events": moves(10, first)})
            assert answer.status == 200
            assert (await api.replay(session_id))["events"] == moves(first + 10)
        done.set()
    assert (await info_of(api, session_id))["stats"]["totalEvents"] == 200


async def test_who_begins_to_watch_makes_the_sdk_send_a_snapshot(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": [META, SNAPSHOT]})
    async with api.watch(session_id, protocol=2) as viewer:
        assert (await viewer.next())["type"] == "subscribed"
        await settled(api)
        answer = await api.post_events(session_id, {"events": moves(1)})
        assert (answer.json["viewers"], answer.json["needFullSnapshot"]) == (1, True)
        answer = await api.post_events(session_id, {"events": [META, SNAPSHOT, *moves(1, 1)]})
        assert answer.json["needFullSnapshot"] is False
        await settled(api)
        answer = await api.post_events(session_id, {"events": moves(1, 2)})
        assert answer.json["needFullSnapshot"] is False


async def test_viewers_are_counted_over_processes(make_api: ApiFactory) -> None:
    first, second = await make_api(), await make_api()
    session_id = await start_sample(first)
    async with first.watch(session_id, protocol=2) as one, second.watch(session_id) as other:
        assert (await one.next())["type"] == "subscribed"
        await first.post_events(session_id, {"events": moves(1)})
        assert await other.next() == moves(1)[0]
        await settled(second)
        assert (await info_of(first, session_id))["viewers"] == 2
