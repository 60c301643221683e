"""Tasks that are left over are found, and tasks that have died."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from tests.faults.leaks import tasks_that_differ
from tests.faults.service import Service

IDLE = Counter({"broker": 1, "head-poll": 1})


def test_the_same_tasks_are_no_leak() -> None:
    assert not list(tasks_that_differ("process 0", IDLE, Counter(IDLE)))


def test_a_task_that_is_left_over_is_told_by_its_name() -> None:
    (found,) = tasks_that_differ("process 0", IDLE, IDLE + Counter(["viewer", "viewer"]))
    assert (found.promise, found.place) == ("no task is left over", "process 0: {'viewer': 2}")


def test_a_task_that_has_died_is_told_by_its_name() -> None:
    (found,) = tasks_that_differ("process 0", IDLE, Counter({"broker": 1}))
    assert (found.promise, found.place) == ("no task has died", "process 0: {'head-poll': 1}")


@pytest.fixture
async def service(database_url: str, redis_url: str) -> AsyncIterator[Service]:
    """A running service that tells its tasks."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-tasks-"))
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    service = Service(folder, settings, tasks_file=folder / "tasks")
    await service.start()
    yield service
    await service.stop()
    shutil.rmtree(folder)


@pytest.mark.timeout(120)
async def test_a_service_tells_its_tasks_by_name(service: Service) -> None:
    idle = await service.tasks()
    assert idle["head-poll"] == idle["broker"] == idle["committer"] == 1
    session_id = uuid4()
    headers = {"X-API-Key": service.keys["admin"]}
    async with ClientSession(service.url, headers=headers) as http:
        body = {"sessionId": str(session_id), "appId": "shop"}
        await http.post("/api/sessions/start", json=body)
        path = f"/api/sessions/{session_id}/live"
        async with http.ws_connect(path) as viewer:
            await viewer.send_json(
                {"type": "subscribe", "sessionId": str(session_id)} | {"protocol": 2}
            )
            assert (await viewer.receive_json())["type"] == "subscribed"
            assert (await service.tasks())[f"watch-{session_id}"] == 1
    for _ in range(100):
        if (left := await service.tasks()) == idle:
            break
        await asyncio.sleep(0.1)
    assert left == idle
