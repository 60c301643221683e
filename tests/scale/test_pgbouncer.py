"""Behind a pgbouncer in transaction mode all works, with migrations and locks past it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from spectraview.config import Config
from spectraview.diagnosis import database
from spectraview.diagnosis.examination import opened, run
from spectraview.diagnosis.findings import Level
from tests.conftest import ApiFactory
from tests.recordings import load_recording
from tests.scale.conftest import open_folder
from tests.scale.pgbouncer import PgBouncer

CONNECTIONS = 2
SESSIONS = 12


@pytest.fixture
def pgbouncer(database_url: str) -> Iterator[PgBouncer]:
    """Before the test's database, with fewer connections than an application opens."""
    with open_folder() as folder:
        pgbouncer = PgBouncer(database_url, folder, connections=CONNECTIONS)
        yield pgbouncer
        pgbouncer.stop()


async def test_a_recording_is_stored_watched_sealed_and_replayed(
    make_api: ApiFactory, database_url: str, pgbouncer: PgBouncer
) -> None:
    api = await make_api(
        database_url=pgbouncer.url,
        database_direct_url=database_url,
        seal_after=0.0,
        job_interval=0.1,
    )
    events = load_recording("todo-small")
    sessions = [await api.start() for _ in range(SESSIONS)]
    async with api.watch(sessions[0], start="start") as viewer:
        await asyncio.gather(*(api.upload(session_id, events) for session_id in sessions))
        assert await viewer.take(len(events)) == events
    for session_id in sessions:
        await api.end(session_id)
        assert (await api.replay(session_id))["events"] == events
    async with asyncio.timeout(20):
        while not (await api.get(f"/api/sessions/{sessions[0]}/replay/manifest")).json["sealed"]:
            await api.get("/health")
    assert (await api.replay(sessions[0]))["events"] == events
    for path in ("/api/sessions", "/api/analytics", "/api/analytics/errors"):
        assert (await api.get(path)).status == 200
    assert (await api.request("DELETE", f"/api/sessions/{sessions[1]}", key="admin")).status < 300
    assert (await api.get(f"/api/sessions/{sessions[1]}/replay")).status == 404


def test_the_doctor_looks_through_it_and_past_it(
    config: Config, database_url: str, pgbouncer: PgBouncer, tmp_path: Path
) -> None:
    behind = structs.replace(
        config, database_url=pgbouncer.url, database_direct_url=database_url, workers=20
    )
    with opened(behind, tmp_path, {}, None) as (place, found):
        assert found == []
        assert database.connections(place).level is Level.OK
        assert database.pooler(place).message == "pgbouncer lets statements through"
        pgbouncer.stop()
        assert run(database.pooler, place).level is Level.PROBLEM
