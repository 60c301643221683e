"""Viewers do not wait for a Redis that does not answer: PostgreSQL has what they want."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from spectraview.storage.cache import Cache
from spectraview.storage.redis import RedisPipeline
from tests.conftest import ApiFactory
from tests.faults.proxy import FaultProxy
from tests.faults.weather import BlackHole
from tests.recordings import Event

SOON = 0.4
"""Less than the half second that a command of Redis may take."""


def event(number: int) -> Event:
    """Return a made-up event that carries its number."""
    return {"type": 3, "data": {"number": number}, "timestamp": number}


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[FaultProxy]:
    """A line to the test's Valkey."""
    async with FaultProxy(urlsplit(redis_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
def held_url(redis_url: str, line: FaultProxy) -> str:
    """The address of the test's Valkey at the end of the line."""
    return redis_url.replace(f":{urlsplit(redis_url).port}", f":{line.port}")


async def test_a_repair_does_not_wait_for_the_buffer_in_redis(
    held_url: str, line: FaultProxy
) -> None:
    async with RedisPipeline(held_url, asyncio.get_running_loop().time) as pipeline:
        cache = Cache(pipeline)
        assert await cache.ping()
        line.change(BlackHole())
        async with asyncio.timeout(SOON):
            assert await cache.buffered_batches(uuid4()) == []


async def test_a_round_takes_no_longer_for_a_connection_that_must_be_made_first(
    held_url: str, line: FaultProxy
) -> None:
    clock = asyncio.get_running_loop().time
    async with RedisPipeline(held_url, clock, timeout=1.0) as pipeline:
        line.change(BlackHole())
        asyncio.get_running_loop().call_later(0.6, line.change, BlackHole())
        began = clock()
        assert not await Cache(pipeline).ping()
        assert clock() - began < 1.5


async def test_viewers_that_come_while_redis_is_silent_wait_for_it_once(
    make_api: ApiFactory, held_url: str, line: FaultProxy
) -> None:
    api = await make_api(redis_url=held_url)
    sessions = [await api.start() for _ in range(3)]
    for session_id in sessions:
        await api.send(session_id, [event(0)])
    line.change(BlackHole())
    async with asyncio.timeout(2.5):  # half a second to be counted, half to be subscribed
        for session_id in sessions:
            async with api.watch(session_id) as viewer:
                assert await viewer.next() == event(0)


async def test_a_batch_is_shown_within_the_interval_of_the_head_poll_while_redis_is_silent(
    make_api: ApiFactory, held_url: str, line: FaultProxy
) -> None:
    ingesting, watching = await make_api(), await make_api(redis_url=held_url, head_interval=0.1)
    session_id = await ingesting.start()
    async with watching.watch(session_id, start="start") as viewer:
        await ingesting.send(session_id, [event(0)])
        assert await viewer.next() == event(0)
        line.change(BlackHole())
        for number in range(1, 4):
            await ingesting.send(session_id, [event(number)])
            async with asyncio.timeout(SOON + 0.1):
                assert await viewer.next() == event(number)
