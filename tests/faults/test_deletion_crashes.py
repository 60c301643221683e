"""A deletion that dies at any moment is finished, and nothing of the person is left.

`KILLS=50 python -m pytest tests/faults/test_deletion_crashes.py` kills more often.
"""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from aiohttp import ClientError, ClientSession

from spectraview.embedded import running_addresses
from tests.api.test_deletion import dump_postgresql, dump_valkey
from tests.faults.service import Service
from tests.recordings import batch_body, batches_of, load_recording

KILLS = int(os.environ.get("KILLS", "3"))
LATEST_KILL = 0.12
SESSIONS = 20
BYSTANDER = "somebody-else"

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


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


async def test_a_killed_deletion_is_finished_and_leaves_nothing(service: Service) -> None:
    await _upload(service, BYSTANDER)
    for seed in range(KILLS):
        user_id = f"secret-{seed}-{uuid4()}"
        await asyncio.gather(*(_upload(service, user_id) for _ in range(SESSIONS)))
        deletion = asyncio.create_task(_delete_user(service, user_id))
        await asyncio.sleep(random.Random(seed).uniform(0, LATEST_KILL))
        await service.kill()
        await asyncio.gather(deletion, return_exceptions=True)
        await service.start()
        await _marked_are_gone(service)
        assert await _delete_user(service, user_id) in (0, SESSIONS)
        addresses = running_addresses(service.data_dir)
        assert addresses is not None
        assert user_id not in dump_postgresql(addresses.database_url)
        assert user_id.encode() not in dump_valkey(addresses.redis_url)
        assert await _count_sessions(service, BYSTANDER) == 1


async def _upload(service: Service, user_id: str) -> None:
    path = f"{service.url}/api/sessions/{uuid4()}/events"
    headers = {"X-API-Key": service.keys["ingest"]}
    async with ClientSession(headers=headers) as http:
        for batch in batches_of(load_recording("todo-small")):
            body = batch_body(batch, userId=user_id, appId="shop")
            async with http.post(path, json=body) as answer:
                assert answer.status == 200


async def _delete_user(service: Service, user_id: str) -> int:
    headers = {"X-API-Key": service.keys["admin"]}
    async with (
        ClientSession(headers=headers) as http,
        http.delete(f"{service.url}/api/users/{user_id}") as answer,
    ):
        if answer.status != 200:
            raise ClientError(str(answer.status))
        deleted: int = (await answer.json())["deletedSessions"]
        return deleted


async def _count_sessions(service: Service, user_id: str) -> int:
    headers = {"X-API-Key": service.keys["read"]}
    async with (
        ClientSession(headers=headers) as http,
        http.get(f"{service.url}/api/sessions", params={"userId": user_id}) as answer,
    ):
        total: int = (await answer.json())["total"]
        return total


async def _marked_are_gone(service: Service) -> None:
    """Return when the started service has finished what was marked."""
    for _ in range(600):
        if not await asyncio.to_thread(_count_marked, service.data_dir):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the deletion is not finished")


def _count_marked(data_dir: Path) -> int:
    addresses = running_addresses(data_dir)
    assert addresses is not None
    with psycopg2.connect(addresses.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sessions JOIN tombstones ON session_id = id")
        (marked,) = cursor.fetchone() or (0,)
    connection.close()
    return int(marked)
