"""An acknowledged batch survives the death of every process, and is there once."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg2
import pytest
from aiohttp import ClientSession

from spectraview.embedded import running_addresses
from tests.faults.service import Service
from tests.faults.uploads import Uploads, check_replays
from tests.recordings import load_recording

pytestmark = pytest.mark.timeout(300)

UPLOADS = 50


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the embedded servers may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-faults-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def service(data_dir: Path) -> AsyncIterator[Service]:
    """A running service with servers of its own."""
    service = Service(data_dir)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client without a limit of connections."""
    async with ClientSession() as http:
        yield http


async def test_killing_the_app_in_the_middle_of_uploads_loses_and_doubles_nothing(
    service: Service, http: ClientSession
) -> None:
    uploads = Uploads(http, [service.url], service.keys)
    running = asyncio.create_task(uploads.run([load_recording("todo-small")] * UPLOADS))
    for acknowledged in (100, 400):
        await uploads.reached(acknowledged)
        await service.kill()
        await service.start()
    sessions = await running
    await check_replays(http, service.url, service.keys, sessions)
    assert_sequences_without_holes(service.data_dir)


async def test_an_immediate_stop_of_the_database_loses_and_doubles_nothing(
    service: Service, http: ClientSession
) -> None:
    uploads = Uploads(http, [service.url], service.keys)
    running = asyncio.create_task(uploads.run([load_recording("todo-small")] * UPLOADS))
    for acknowledged in (100, 400):
        await uploads.reached(acknowledged)
        service.stop_database_at_once()
    sessions = await running
    await check_replays(http, service.url, service.keys, sessions)
    assert_sequences_without_holes(service.data_dir)


async def test_sigterm_stops_in_order_and_data_survive(
    service: Service, http: ClientSession
) -> None:
    uploads = Uploads(http, [service.url], service.keys)
    keys = service.keys
    sessions = await uploads.run([load_recording("todo-small")])
    assert await service.stop() == 0
    assert running_addresses(service.data_dir) is None
    await service.start()
    assert service.keys == keys
    await check_replays(http, service.url, keys, sessions)


async def test_two_processes_store_each_batch_once_though_it_is_sent_to_both_at_once(
    database_url: str, redis_url: str, data_dir: Path, http: ClientSession
) -> None:
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    services = [Service(data_dir, settings), Service(data_dir, settings)]
    try:
        for service in services:
            await service.start()
        uploads = Uploads(
            http, [s.url for s in services], services[0].keys, copies=2, batch_size=50
        )
        recordings = [load_recording("todo-small"), load_recording("gentelella-medium")] * 4
        sessions = await uploads.run(recordings)
        await check_replays(http, services[1].url, services[1].keys, sessions)
    finally:
        for service in services:
            await service.stop()


def assert_sequences_without_holes(data_dir: Path) -> None:
    """Assert that each session's rows follow one another, and that it counts them right."""
    addresses = running_addresses(data_dir)
    assert addresses is not None
    connection = psycopg2.connect(addresses.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("""
            SELECT count(*) FILTER (WHERE sequence_number <> expected), count(*)
            FROM (
              SELECT sequence_number, COALESCE(
                lag(sequence_number + event_count) OVER (
                  PARTITION BY session_id ORDER BY sequence_number, batch_number), 0) AS expected
              FROM session_events
            ) AS rows
        """)
        holes, rows = cursor.fetchone() or (None, 0)
        assert (holes, rows > 0) == (0, True)
        cursor.execute("""
            SELECT count(*)
            FROM sessions s
            JOIN (
              SELECT session_id, sum(event_count) AS events, count(*) AS batches
              FROM session_events GROUP BY session_id
            ) e ON e.session_id = s.id
            WHERE (s.next_sequence, s.event_count, s.batch_count) <> (e.events, e.events, e.batches)
        """)
        assert cursor.fetchone() == (0,)
    connection.close()
