"""Redis Cluster: sessions lie on three masters, and live goes on as on one server."""

import asyncio
import time
from collections.abc import Iterator
from datetime import date
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from spectraview.replay.cache import ReplayCache
from spectraview.storage import cluster_nodes
from spectraview.storage.cache import ActiveSession, Announcement, Cache
from spectraview.storage.cluster_nodes import cluster_seeds
from spectraview.storage.models import StoredBatch
from spectraview.storage.quotas import QuotaCounter, Used
from spectraview.storage.redis_cluster import ClusterPipeline, open_redis
from tests.api_client import ApiClient, LiveClient
from tests.conftest import ApiFactory
from tests.recordings import Event
from tests.scale.valkey_cluster import MASTERS, ValkeyCluster, away, running_cluster

NEVER = 600.0
"""An interval of the head poll that no test lives to see: only pub/sub tells of batches."""
PATIENCE = 20.0
_NUMBERS = count()


@pytest.fixture
def redis_url(cluster: ValkeyCluster) -> str:
    """The cluster's address."""
    return cluster.url


@pytest.fixture
def replicated(tmp_path: Path) -> Iterator[ValkeyCluster]:
    """Three masters with a replica each."""
    with running_cluster(tmp_path, replicas=True) as cluster:
        yield cluster


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
        assert (await _next_of(viewer, publisher, session_id))["sequence"][0] == 0


async def test_viewers_miss_nothing_while_a_replica_takes_over_and_its_master_comes_back(
    make_api: ApiFactory, replicated: ValkeyCluster
) -> None:
    publisher, watcher = [await make_api(redis_url=replicated.url) for _ in range(2)]
    sessions = [await publisher.start(replicated.session_on(n)) for n in range(MASTERS)]
    seen = [asyncio.create_task(_see_all(watcher, i), name="watching") for i in sessions]
    numbers = count()

    async def send(batches: int) -> None:
        for number in islice(numbers, batches):
            await asyncio.gather(*(publisher.send(i, [event(number)]) for i in sessions))

    await send(20)
    replicated.kill(1)
    await send(20)
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(replicated.has_failed_over, 1):
            await send(1)
    await send(20)
    back = asyncio.create_task(asyncio.to_thread(replicated.restart, 1), name="back")
    while not back.done():
        await send(1)
    await back
    await send(20)
    await asyncio.gather(*map(publisher.end, sessions))
    everything = [event(number) for number in range(next(numbers))]
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*seen) == [everything] * MASTERS


@pytest.mark.parametrize("master", [0, 2], ids=["named", "found"])
async def test_a_replica_that_took_over_is_followed_at_once(
    make_api: ApiFactory, replicated: ValkeyCluster, monkeypatch: pytest.MonkeyPatch, master: int
) -> None:
    monkeypatch.setattr(cluster_nodes, "_REFRESH_INTERVAL", NEVER)
    publisher, watcher = [
        await make_api(redis_url=replicated.url, head_interval=NEVER) for _ in range(2)
    ]
    session_id = await publisher.start(replicated.session_on(master))
    async with watcher.watch(session_id, protocol=2, start="now") as viewer:
        assert [(await viewer.next())["type"] for _ in range(2)] == ["subscribed", "synced"]
        replicated.kill(master)
        await viewer.becomes_degraded()
        await publisher.send(session_id, [event(0)])
        assert (await viewer.next())["sequence"][0] == 0
        await viewer.recovers()
        assert (await _next_of(viewer, publisher, session_id))["sequence"][0] == 1


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


async def _next_of(viewer: LiveClient, publisher: ApiClient, session_id: UUID) -> Any:
    """Send batches until a viewer is shown one: until the publisher's process has found where.

    Return the first that it is shown.
    """
    shown = asyncio.create_task(viewer.next(), name="next")
    async with asyncio.timeout(PATIENCE):
        while not shown.done():
            await publisher.send(session_id, [event(next(_NUMBERS))])
            await asyncio.wait({shown}, timeout=0.1)
    return shown.result()


async def _see_all(api: ApiClient, session_id: UUID) -> list[Event]:
    """Return all that a viewer is shown on one connection, which ends with the session."""
    async with api.watch(session_id, start="start") as viewer:
        shown = await viewer.rest()
        assert viewer.close_code == 1000
        return shown


async def _see(api: ApiClient, session_id: UUID, count: int) -> list[Event]:
    async with api.watch(session_id, start="start") as viewer:
        return await viewer.take(count)
