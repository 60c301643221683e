"""All at once: a cluster, a standby, a pgbouncer, and all sealed data in the object store."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectraview.embedded import ServerAddresses
from spectraview.storage.database import Database
from tests.conftest import ApiFactory
from tests.recordings import load_recording
from tests.scale.conftest import open_folder
from tests.scale.pgbouncer import PgBouncer
from tests.scale.standby import Standby, replica_of, until_it_has
from tests.scale.valkey_cluster import ValkeyCluster

PATIENCE = 30.0
ARCHIVED = "SELECT 1 FROM session_segments WHERE object_key IS NOT NULL AND event_data IS NULL"


@pytest.fixture
def database_url(primary: ServerAddresses) -> str:
    """The primary's address."""
    return primary.database_url


@pytest.fixture
def redis_url(cluster: ValkeyCluster) -> str:
    """The cluster's address."""
    return cluster.url


@pytest.fixture
def settings(
    primary: ServerAddresses, standby: Standby, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """What each process is set to."""
    with open_folder() as folder:
        pgbouncer = PgBouncer(primary.database_url, folder, connections=4)
        yield {
            "database_url": pgbouncer.url,
            "database_direct_url": primary.database_url,
            "database_read_url": standby.url,
            "read_lag": 60.0,
            "archive_url": f"file://{tmp_path}",
            "archive_after": 0.0,
            "seal_after": 0.0,
            "job_interval": 0.1,
        }
        pgbouncer.stop()


def objects_in(folder: Path) -> list[Path]:
    """Return what the object store holds."""
    return [path for path in folder.rglob("*.zst") if path.is_file()]


async def until_archived(standby: Standby) -> None:
    """Return when the standby, too, has a segment in the object store alone."""
    async with (
        asyncio.timeout(PATIENCE),
        Database(standby.url, connections=1, timeout=PATIENCE) as database,
    ):
        while not await database.fetch_one(ARCHIVED):
            pass


async def test_a_session_is_watched_archived_replayed_from_the_standby_and_deleted(
    make_api: ApiFactory, settings: dict[str, Any], standby: Standby, tmp_path: Path
) -> None:
    publisher, watcher = await make_api(**settings), await make_api(**settings)
    events = load_recording("todo-small")
    session_id = await publisher.start()
    async with watcher.watch(session_id, start="start") as viewer:
        await publisher.upload(session_id, events)
        assert await viewer.take(len(events)) == events
    await publisher.end(session_id)
    assert (await watcher.replay(session_id))["events"] == events

    await until_archived(standby)
    assert objects_in(tmp_path)
    batches = -(-len(events) // 50)
    for api in (publisher, watcher):
        await until_it_has(replica_of(api), session_id, batches)
        assert (await api.replay(session_id))["events"] == events
        manifest = (await api.get(f"/api/sessions/{session_id}/replay/manifest")).json
        assert (manifest["events"], manifest["sealed"]) == (len(events), True)

    health = await publisher.get("/health")
    assert health.json["status"] == "healthy", health
    metrics = await publisher.get("/metrics", key="admin")
    assert b"spectraview_redis_up 1.0" in metrics.json, metrics

    answer = await publisher.request("DELETE", f"/api/sessions/{session_id}", key="admin")
    assert answer.status < 300, answer
    assert (await watcher.get(f"/api/sessions/{session_id}/replay")).status == 404
    async with asyncio.timeout(PATIENCE):
        while objects_in(tmp_path):
            await watcher.get("/health")
