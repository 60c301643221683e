"""The connections to Redis on a network that fails."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from spectraview.live.broker import Broker
from spectraview.storage.redis import CacheUnavailable, RedisPipeline
from tests.faults.proxy import FaultProxy
from tests.faults.weather import Loss

PATIENCE = 5.0


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    """A proxy before Redis, to which connections of which nothing comes back can be made."""
    port = urlsplit(redis_url).port
    assert port is not None
    async with FaultProxy(port) as proxy:
        yield proxy


@pytest.fixture
def distant_url(redis_url: str, proxy: FaultProxy) -> str:
    """The address of Redis behind the proxy."""
    return redis_url.replace(f":{urlsplit(redis_url).port}/", f":{proxy.port}/")


async def test_a_greeting_that_is_never_answered_costs_a_round(
    proxy: FaultProxy, distant_url: str
) -> None:
    proxy.change(Loss())
    async with RedisPipeline(distant_url, lambda: time.monotonic() * 100) as pipeline:
        with pytest.raises(CacheUnavailable):
            async with asyncio.timeout(PATIENCE):
                await pipeline.run(("PING",))
        await proxy.heal()
        async with asyncio.timeout(PATIENCE):
            await asyncio.sleep(0.05)
            assert await pipeline.run(("PING",)) == [b"PONG"]


async def test_a_subscriber_whose_greeting_is_never_answered_connects_again(
    proxy: FaultProxy, distant_url: str, redis_url: str
) -> None:
    proxy.change(Loss())
    connected, received = asyncio.Event(), asyncio.Event()
    async with Broker(distant_url, lambda _: connected.set()) as broker:
        await broker.subscribe("channel", lambda data: received.set())
        await asyncio.sleep(0.2)
        assert proxy.links
        await proxy.heal()
        async with asyncio.timeout(PATIENCE):
            await connected.wait()
        async with RedisPipeline(redis_url, time.monotonic) as pipeline, asyncio.timeout(PATIENCE):
            while not received.is_set():
                await pipeline.run(("PUBLISH", "channel", "x"))
                await asyncio.sleep(0.05)
