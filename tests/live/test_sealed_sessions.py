"""Readers of a session see the same, whether it is sealed or not, and while it is being sealed."""

import asyncio
import struct
import zlib
from typing import Any
from uuid import UUID

import pytest
import ujson

from spectraview.keys import DATABASE, SEGMENT_DATA
from spectraview.lifecycle.sealing import Sealer
from spectraview.lifecycle.segment_builder import SegmentSizes
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import load_recording

STARTS: list[Any] = ["start", "keyframe", "now", {"sequence": 333}, {"batch": 3}, {"batch": 10**6}]
FORMS: list[dict[str, Any]] = [{}, {"protocol": 2}, {"protocol": 2, "encoding": "deflate"}]
SMALL = SegmentSizes(least=200_000, most=400_000, small=50_000)


@pytest.fixture
async def api(make_api: ApiFactory) -> ApiClient:
    """An application that seals nothing by itself, with little memory of what it has shown."""
    return await make_api(seal_after=3600, ring_bytes=10_000)


async def seal(api: ApiClient, limit: int = 10) -> int:
    """Seal what has ended; return how many segments that made."""
    app = api.client.server.app  # type: ignore[attr-defined]
    sealer = Sealer(app[DATABASE], app[SEGMENT_DATA], seal_after=0, sizes=SMALL)
    report = await sealer.seal(limit)
    assert report.failed == 0
    return report.segments


async def recorded(api: ApiClient) -> UUID:
    """Record a session with custom events and errors, and end it."""
    session_id = await api.start()
    lists = {
        "customEvents": [{"eventType": "a", "timestamp": 1}],
        "errors": [{"type": "e", "timestamp": 2}],
    }
    events = load_recording("gentelella-medium")
    await api.upload(session_id, events[:500])
    await api.send(session_id, [], **lists)
    await api.upload(session_id, events[500:])
    await api.send(session_id, events[:1], **lists)
    assert (await api.end(session_id)).status == 200
    return session_id


async def seen(api: ApiClient, session_id: UUID, start: Any, form: dict[str, Any]) -> list[Any]:
    """Return all that a viewer of an ended session gets."""
    async with api.watch(session_id, start=start, **form) as viewer:
        messages = [unpacked(message) for message in await viewer.rest()]
        assert viewer.close_code == 1000
        return messages


def unpacked(message: Any) -> Any:
    """Return a message with its events, however they were compressed."""
    if not isinstance(message, bytes):
        return message
    (length,) = struct.unpack_from("!I", message)
    head = ujson.loads(message[4 : 4 + length])
    assert head.pop("codec") in ("zlib", "gzip", "deflate")
    data = message[4 + length :]
    return head | {"events": ujson.loads(zlib.decompress(data)) if data else []}


async def test_viewers_of_a_sealed_session_get_the_same(api: ApiClient) -> None:
    session_id = await recorded(api)
    before = {(str(s), str(f)): await seen(api, session_id, s, f) for s in STARTS for f in FORMS}
    assert await seal(api) > 2
    for start in STARTS:
        for form in FORMS:
            assert await seen(api, session_id, start, form) == before[str(start), str(form)]


async def test_the_replay_of_a_sealed_session_is_the_same_bytes(api: ApiClient) -> None:
    session_id = await recorded(api)
    path = f"/api/sessions/{session_id}/replay"
    before = await replay_bytes(api, path)
    await seal(api)
    assert await replay_bytes(api, path) == before


async def replay_bytes(api: ApiClient, path: str) -> bytes:
    """Return a replay as it is on the wire."""
    headers = {"X-API-Key": api.keys["read"], "Accept-Encoding": "identity"}
    async with api.client.get(path, headers=headers) as answer:
        assert answer.status == 200
        return await answer.read()


async def test_viewers_miss_nothing_while_a_session_is_sealed_and_late_batches_come(
    api: ApiClient,
) -> None:
    session_id = await api.start()
    events = load_recording("gentelella-medium")
    await api.upload(session_id, events)
    await api.end(session_id)
    late = load_recording("todo-small")[:40]
    watching = [asyncio.create_task(seen(api, session_id, "start", {})) for _ in range(10)]
    sealing = asyncio.create_task(seal(api))
    for event in late:
        await api.send(session_id, [event])
    await asyncio.gather(sealing)
    for messages in await asyncio.gather(*watching):
        assert messages == (events + late)[: len(messages)]
        assert len(messages) >= len(events)
    await seal(api)
    assert await seen(api, session_id, "start", {}) == events + late


async def test_a_session_that_fell_idle_goes_on_after_it_was_sealed(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")
    await api.send(session_id, events[:50])
    app = api.client.server.app  # type: ignore[attr-defined]
    await app[DATABASE].fetch_all("UPDATE sessions SET ended_at = now(), ended_by = 'idle'")
    assert await seal(api) == 1
    await api.send(session_id, events[50:60])
    async with api.watch(session_id, start="start") as viewer:
        await api.send(session_id, events[60:])
        assert await viewer.take(len(events)) == events
        assert await seal(api) == 0
        await api.end(session_id)
        assert await viewer.rest() == []
    assert (await api.replay(session_id))["events"] == events


async def test_the_application_seals_by_itself(make_api: ApiFactory) -> None:
    api = await make_api(seal_after=0, job_interval=0.1)
    session_id = await recorded(api)
    before = await api.replay(session_id)
    await sealed(api)
    assert await api.replay(session_id) == before


async def sealed(api: ApiClient) -> None:
    """Return when the only session is sealed."""
    app = api.client.server.app  # type: ignore[attr-defined]
    query = "SELECT 1 FROM sessions WHERE sealed_at IS NOT NULL"
    for _ in range(400):
        if await app[DATABASE].fetch_all(query):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the session is not sealed")
