"""Whatever happens between the processes, a viewer gets each event once and in order."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from redis.asyncio import Redis

from spectraview.embedded import EmbeddedServers
from spectraview.lifecycle.jobs import end_idle_sessions
from spectraview.storage.cache import Cache, channel_of
from spectraview.storage.messages import SessionEnded, encode_message
from spectraview.storage.store import Store
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.faults.proxy import FaultProxy
from tests.faults.weather import BlackHole
from tests.live.stalled_viewer import StalledViewer
from tests.recordings import Event

ROUNDS = 30


def event(number: int, padding: str = "") -> Event:
    """Return a made-up event that carries its number."""
    return {"type": 3, "data": {"number": number, "padding": padding}, "timestamp": number}


async def send_rounds(api: ApiClient, session_id: UUID, rounds: range) -> list[Event]:
    """Send a batch of two events a round, and return all events."""
    batches = [[event(2 * number), event(2 * number + 1)] for number in rounds]
    for batch in batches:
        await api.send(session_id, batch)
    return [event for batch in batches for event in batch]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the test's Valkey."""
    async with Redis.from_url(redis_url) as client:
        yield client


async def command(redis: Redis, *words: str) -> None:
    """Run a command of Redis."""
    await redis.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "fault",
    [("CLIENT", "KILL", "TYPE", "pubsub"), ("CLIENT", "KILL", "TYPE", "normal"), ("FLUSHALL",)],
    ids=" ".join,
)
async def test_a_fault_of_redis_costs_a_viewer_nothing(
    make_api: ApiFactory, redis: Redis, fault: tuple[str, ...]
) -> None:
    ingesting, watching = await make_api(), await make_api()
    session_id = await ingesting.start()
    async with watching.watch(session_id) as viewer:
        sent: list[Event] = []
        for start in range(0, ROUNDS, 10):
            await command(redis, *fault)
            sent += await send_rounds(ingesting, session_id, range(start, start + 10))
        await ingesting.end(session_id)
        assert await viewer.rest() == sent
        assert viewer.close_code == 1000


async def test_messages_lost_on_the_way_are_read_from_the_store(
    make_api: ApiFactory, redis: Redis
) -> None:
    ingesting, watching = await make_api(), await make_api()
    session_id = await ingesting.start()
    async with watching.watch(session_id) as viewer:
        sent = await send_rounds(ingesting, session_id, range(5))
        assert await viewer.take(10) == sent
        # Any other message on the channel is no gap, and an unreadable one no harm.
        await redis.publish(f"live:{{{session_id}}}", b"\x93\xa5other")
        await command(redis, "CLIENT", "KILL", "TYPE", "pubsub")
        sent += await send_rounds(ingesting, session_id, range(5, 10))
        assert await viewer.take(10) == sent[10:]


async def test_an_end_that_is_told_late_does_not_end_a_session_that_goes_on(
    api: ApiClient, redis: Redis
) -> None:
    session_id = await api.start()
    async with api.watch(session_id) as viewer:
        sent = await send_rounds(api, session_id, range(2))
        assert await viewer.take(4) == sent
        await redis.publish(channel_of(session_id), encode_message(SessionEnded(1)))
        sent = await send_rounds(api, session_id, range(2, 4))
        assert await viewer.take(4) == sent


async def test_a_viewer_that_leaves_while_redis_is_silent_leaves_no_subscription(
    make_api: ApiFactory, redis: Redis, redis_url: str
) -> None:
    port = urlsplit(redis_url).port
    assert port is not None
    async with FaultProxy(port) as proxy:
        api = await make_api(redis_url=redis_url.replace(f":{port}/", f":{proxy.port}/"))
        session_id = await api.start()
        await asyncio.sleep(0.3)  # the broker has connected
        proxy.change(BlackHole())
        async with api.watch(session_id):
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.2)
        await proxy.heal()
        for _ in range(100):
            left = await redis.pubsub_channels("live:{*")
            if not left:
                break
            await asyncio.sleep(0.1)
        assert not left


@pytest.fixture
def own_valkey() -> Iterator[tuple[EmbeddedServers, str]]:
    """A Valkey that the test may stop, and its address."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-valkey-", dir="/tmp"))
    folder.chmod(0o755)
    servers = EmbeddedServers(folder, database=False)
    try:
        yield servers, servers.start().redis_url
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_without_redis_everything_goes_on(
    make_api: ApiFactory, own_valkey: tuple[EmbeddedServers, str]
) -> None:
    servers, redis_url = own_valkey
    ingesting = await make_api(redis_url=redis_url)
    watching = await make_api(redis_url=redis_url)
    session_id = await ingesting.start()
    async with watching.watch(session_id) as viewer:
        sent = await send_rounds(ingesting, session_id, range(5))
        servers.stop()
        sent += await send_rounds(ingesting, session_id, range(5, 10))
        async with watching.watch(session_id, start="start") as late:
            await ingesting.end(session_id)
            assert await viewer.rest() == sent
            assert await late.rest() == sent
    assert (await watching.replay(session_id))["events"] == sent


async def test_viewers_are_told_when_batches_come_late(
    make_api: ApiFactory, own_valkey: tuple[EmbeddedServers, str]
) -> None:
    servers, redis_url = own_valkey
    api = await make_api(redis_url=redis_url)
    session_id = await api.start()
    async with api.watch(session_id, protocol=2) as viewer:
        assert [(await viewer.next())["type"] for _ in range(2)] == ["subscribed", "synced"]
        servers.stop()
        await viewer.becomes_degraded()
        await send_rounds(api, session_id, range(1))
        assert (await viewer.next())["sequence"] == [0, 1]
        async with api.watch(session_id, protocol=2) as late:
            await late.becomes_degraded()


async def test_an_app_that_starts_without_redis_uses_it_once_it_is_there(
    make_api: ApiFactory, own_valkey: tuple[EmbeddedServers, str]
) -> None:
    _, redis_url = own_valkey
    async with Redis.from_url(redis_url) as client:
        await client.config_set("maxclients", 1)  # whoever comes is refused
        api = await make_api(redis_url=redis_url)
        session_id = await api.start()
        async with api.watch(session_id) as viewer:
            sent = await send_rounds(api, session_id, range(3))
            assert await viewer.take(6) == sent
            await client.config_set("maxclients", 100)
            sent = await send_rounds(api, session_id, range(3, 6))
            assert await viewer.take(6) == sent


def stalled_viewer(api: ApiClient, session_id: UUID) -> StalledViewer:
    """Return a viewer that will not read."""
    assert api.client.port is not None
    return StalledViewer(api.client.port, api.keys["read"], session_id)


async def test_a_stalled_viewer_is_cut_and_touches_no_other(make_api: ApiFactory) -> None:
    api = await make_api(stall_timeout=0.5)
    session_id = await api.start()
    padding = "x" * 200_000
    async with stalled_viewer(api, session_id) as stalled, api.watch(session_id) as good:
        for number in range(40):
            await api.send(session_id, [event(number, padding)])
            assert await good.next() == event(number, padding)
        assert await stalled.was_cut()
        await api.send(session_id, [event(40)])
        assert await good.next() == event(40)


async def test_a_session_that_a_heartbeat_alone_wakes_has_not_ended_for_who_comes_then(
    make_api: ApiFactory, store: Store, cache: Cache
) -> None:
    api = await make_api(head_interval=0.1)
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with stalled_viewer(api, session_id) as behind:
        assert b'{"number":0,' in await behind.begin()
        for number in range(1, 100):
            await api.send(session_id, [event(number, "x" * 300_000)])
        assert await end_idle_sessions(store, cache, 0) == 1
        async with api.watch(session_id, start="now") as before:
            assert await before.rest() == []
            assert before.close_code == 1000
        assert (await api.post_events(session_id, {}, path="heartbeat")).status == 200
        async with api.watch(session_id, start="now", protocol=2) as after:
            assert [(await after.next())["type"] for _ in range(2)] == ["subscribed", "synced"]
            await api.send(session_id, [event(100)])
            assert (await after.next())["events"] == [event(100)]


async def test_a_plain_viewer_that_is_too_far_behind_is_told_so_in_closing(
    make_api: ApiFactory,
) -> None:
    api = await make_api(ring_bytes=100_000, viewer_lag=1_000_000)
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with stalled_viewer(api, session_id) as slow:
        assert b'{"number":0,' in await slow.begin()
        for number in range(1, 100):
            await api.send(session_id, [event(number, "x" * 300_000)])
        received = await slow.read_through((4408).to_bytes(2) + b"too slow")
        assert b'{"number":1,' in received
        assert b'{"number":99,' not in received
