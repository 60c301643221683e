"""What a client sees of the archive: nothing, unless it is away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from spectraview.keys import ARCHIVE, DATABASE, SEGMENT_DATA
from spectraview.lifecycle.sealing import Sealer
from spectraview.storage.cache import Cache
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.lifecycle.object_stores import ObjectStoreServer, folder, keys_in
from tests.recordings import load_recording

CUSTOM = {"eventType": "checkout", "timestamp": 1}


@pytest.fixture
def archive_folder() -> Iterator[ObjectStoreServer]:
    """A folder to archive to."""
    with folder() as server:
        yield server


@pytest.fixture
async def archiving(make_api: ApiFactory, archive_folder: ObjectStoreServer) -> ApiClient:
    """An application that archives when it is told to."""
    return await make_api(archive_url=archive_folder.url, archive_after=0, job_interval=3600)


async def record(api: ApiClient) -> UUID:
    """Store a recording and end its session."""
    session_id = await api.start()
    await api.upload(session_id, load_recording("todo-small"))
    await api.send(session_id, [], customEvents=[CUSTOM])
    await api.end(session_id)
    return session_id


async def seal(api: ApiClient) -> None:
    """Seal all sessions."""
    app = api.client.app
    assert app is not None
    await Sealer(app[DATABASE], app[SEGMENT_DATA], seal_after=0).seal(100)


async def archive(api: ApiClient) -> None:
    """Seal and archive all sessions."""
    await seal(api)
    app = api.client.app
    assert app is not None
    assert (await app[ARCHIVE].run()).segments > 0


async def views_of(api: ApiClient, session_id: UUID) -> list[Any]:
    """Return all that can be read of a session."""
    path = f"/api/sessions/{session_id}"
    middle = load_recording("todo-small")[40]["timestamp"]
    addresses = ["", "/replay", f"/replay?from={middle}", "/replay?afterSequence=30&toSequence=60"]
    views = []
    for encoding in ("identity", "gzip"):
        headers = {"Accept-Encoding": encoding}
        for address in (*addresses, "/replay/manifest"):
            answer = await api.get(path + address, headers=headers)
            assert answer.status == 200, answer
            views.append(answer.json)
    return views


async def test_an_archived_session_is_answered_as_before(
    archiving: ApiClient, archive_folder: ObjectStoreServer, cache: Cache
) -> None:
    session_id = await record(archiving)
    await seal(archiving)
    before = await views_of(archiving, session_id)
    cache.forget([session_id])
    await archive(archiving)
    assert keys_in(archive_folder)
    assert await views_of(archiving, session_id) == before


async def test_an_archived_session_is_shown_live(archiving: ApiClient) -> None:
    session_id = await record(archiving)
    await archive(archiving)
    async with archiving.watch(session_id, start="start") as viewer:
        shown = await viewer.rest()
    assert shown == [*load_recording("todo-small"), CUSTOM]


async def test_the_storage_counts_the_archives_objects(
    make_api: ApiFactory, archiving: ApiClient
) -> None:
    await record(archiving)
    before = (await archiving.get("/api/storage", key="admin")).json
    assert before["objects"] == {"bytes": 0, "count": 0}
    await archive(archiving)
    after = (await (await make_api()).get("/api/storage", key="admin")).json
    assert after["objects"]["count"] >= 1
    assert after["objects"]["bytes"] > 1000
    assert after["apps"][0]["bytes"] == after["objects"]["bytes"]


async def test_a_deletion_deletes_the_objects(
    archiving: ApiClient, archive_folder: ObjectStoreServer
) -> None:
    session_id = await record(archiving)
    await archive(archiving)
    answer = await archiving.request("DELETE", f"/api/sessions/{session_id}", key="admin")
    assert answer.status == 200
    assert keys_in(archive_folder) == []


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
async def test_an_archive_that_is_away_is_said_before_anything_is_sent(
    make_api: ApiFactory,
    archiving: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
) -> None:
    session_id = await record(archiving)
    await archive(archiving)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    without = await make_api(archive_url="s3://away")
    headers = {"Accept-Encoding": encoding}
    answer = await without.get(f"/api/sessions/{session_id}/replay", headers=headers)
    assert (answer.status, answer.json["code"]) == (503, "archive_unavailable")
    assert answer.headers["Retry-After"] == "5"
    health = await without.get("/health", key=None)
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert health.json["archive"] == "disconnected"
    assert (await archiving.get("/health", key=None)).json["archive"] == "connected"


async def test_an_object_that_is_missing_is_said_so(
    archiving: ApiClient, archive_folder: ObjectStoreServer
) -> None:
    session_id = await record(archiving)
    await archive(archiving)
    root = Path(archive_folder.url.removeprefix("file://"))
    for key in keys_in(archive_folder):
        (root / key).unlink()
    answer = await archiving.get(f"/api/sessions/{session_id}/replay")
    assert (answer.status, answer.json["code"]) == (500, "archived_data_missing")
