"""Redis Cluster: sessions lie on three masters, and live goes on as on one server."""

import asyncio
import time
from datetime import date
from itertools import count
from uuid import UUID, uuid4

import pytest

from spectraview.replay.cache import ReplayCache
from spectraview.storage.cache import ActiveSession, Announcement, Cache
from spectraview.storage.cluster_nodes import cluster_seeds
from spectraview.storage.models import StoredBatch
from spectraview.storage.quotas import QuotaCounter, Used
from spectraview.storage.redis_cluster import ClusterPipeline, open_redis
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import Event
from tests.scale.valkey_cluster import MASTERS, ValkeyCluster, away

NEVER = 600.0
"""An interval of the head poll that no test lives to see: only pub/sub tells of batches."""
PATIENCE = 20.0


@pytest.fixture
def redis_url(cluster: ValkeyCluster) -> str:
    """The cluster's address."""
    return cluster.url


def event(number: int) -> Event:
    """Return a made-up event that carries its number."""
    return {"type": 3, "data": {"number": number}, "timestamp": number}


@pytest.mark.parametrize(
    ("url", "seeds"),
    [
        ("redis://one:7000/0", ()),
        ("redis://one:7000/0?cluster=false", ()),
        ("redis://one:7000?cluster=true", ("redis://one:7000",)),
        ("redis://:a@one:7000, redis://:a@two", ("redis://:a@one:7000", "redis://:a@two")),
    ],
)
def test_a_list_or_a_word_makes_a_cluster(url: str, seeds: tuple[str, ...]) -> None:
    assert cluster_seeds(url) == seeds


@pytest.mark.parametrize("master", range(MASTERS))
async def test_what_one_process_takes_another_shows(
    make_api: ApiFactory, cluster: ValkeyCluster, master: int
) -> None:
    publisher, watcher = await make_api(), await make_api(head_interval=NEVER)
    session_id = await publisher.start(cluster.session_on(master))
    await publisher.send(session_id, [event(0)])
    async with watcher.watch(session_id, protocol=1) as viewer:
        assert await viewer.next() == event(0)
        for number in range(1, 6):
            answer = await publisher.send(session_id, [event(number)])
            assert await viewer.next() == event(number)
        assert answer.json["viewers"] == 1
        await publisher.end(session_id)
        assert await viewer.rest() == []
        assert viewer.close_code == 1000


async def test_everything_that_is_cached_has_its_place(
    cluster: ValkeyCluster, redis_url: str
) -> None:
    async with open_redis(redis_url, time.monotonic) as pipeline:
        assert isinstance(pipeline, ClusterPipeline)
        cache, replays, quotas = Cache(pipeline), ReplayCache(pipeline), QuotaCounter(pipeline)
        assert await cache.ping()
        for number in range(MASTERS):
            session_id = cluster.session_on(number)
            batch = StoredBatch(1, 0, 1, "identity", b"[{}]")
            session = ActiveSession(session_id, "shop", None, 1, False, 1)
            cache.announce([Announcement(session, batch, False)])
            assert await cache.buffered_batches(session_id) == [batch]
            cache.note_viewers(session_id, "here", 2)
            cache.want_snapshot(session_id)
            usage = await cache.use("1:ingest", str(session_id), session_id)
            assert (usage.requests, usage.viewers, usage.snapshot_wanted) == (1, 2, True)
            assert await cache.seconds_left("1:ingest", str(session_id)) > 1
            spent = quotas.spend((number, date(2026, 1, 1)), Used(1, 2, 3))
            assert await quotas.sums(spent) == Used(1, 2, 3)
            replays.keep(session_id, 1, b"replay")
            assert await replays.fetch(session_id, 1) == b"replay"
            cache.forget([session_id])
            assert await replays.fetch(session_id, 1) is None
            assert await cache.buffered_batches(session_id) == []


async def test_a_master_that_dies_and_comes_back_costs_viewers_nothing(
    make_api: ApiFactory, cluster: ValkeyCluster
) -> None:
    publisher, watcher = await make_api(), await make_api()
    sessions = [await publisher.start(cluster.session_on(n)) for n in range(MASTERS)]
    numbers = iter(range(1_000_000))
    seen = [asyncio.create_task(_see(watcher, i, 60)) for i in sessions]

    async def send(count: int) -> None:
        for _ in range(count):
            number = next(numbers)
            await asyncio.gather(*(publisher.send(i, [event(number)]) for i in sessions))

    await send(20)
    async with away(cluster, 1):
        await send(20)
    await send(20)
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*seen) == [[event(n) for n in range(60)]] * MASTERS


async def test_a_restarted_master_is_used_again(
    make_api: ApiFactory, cluster: ValkeyCluster
) -> None:
    publisher, watcher = await make_api(), await make_api(head_interval=NEVER)
    session_id = await publisher.start(cluster.session_on(2))
    async with watcher.watch(session_id, protocol=2, start="now") as viewer:
        assert [(await viewer.next())["type"] for _ in range(2)] == ["subscribed", "synced"]
        async with away(cluster, 2):
            await viewer.becomes_degraded()
        await viewer.recovers()
        seen = asyncio.create_task(viewer.next())
        async with asyncio.timeout(PATIENCE):
            for number in count():  # until the publisher's process has found it too
                await publisher.send(session_id, [event(number)])
                await asyncio.wait({seen}, timeout=0.1)
                if seen.done():
                    break
        assert seen.result()["sequence"][0] == 0


async def test_a_slot_moves_while_its_session_is_watched(
    make_api: ApiFactory, cluster: ValkeyCluster
) -> None:
    publisher, watcher = await make_api(), await make_api(head_interval=NEVER)
    session_id = await publisher.start(cluster.session_on(0))
    seen = asyncio.create_task(_see(watcher, session_id, 60))
    for number in range(60):
        if number == 20:
            moving = asyncio.create_task(asyncio.to_thread(cluster.move_slot, session_id, 1))
        await publisher.send(session_id, [event(number)])
        if number == 40:
            await moving
    async with asyncio.timeout(PATIENCE):
        assert await seen == [event(number) for number in range(60)]


async def test_a_cluster_that_is_away_stops_nothing(make_api: ApiFactory) -> None:
    nowhere = "redis://127.0.0.1:1/0,redis://127.0.0.1:2/0"
    api = await make_api(redis_url=nowhere)
    session_id = await api.start(uuid4())
    await api.send(session_id, [event(0)])
    async with api.watch(session_id) as viewer:
        assert await viewer.next() == event(0)
        await api.send(session_id, [event(1)])
        assert await viewer.next() == event(1)


async def _see(api: ApiClient, session_id: UUID, count: int) -> list[Event]:
    async with api.watch(session_id, start="start") as viewer:
        return await viewer.take(count)
