"""How a session is over by itself: when nothing comes any more, and when its time is over."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from spectraview.lifecycle.jobs import end_idle_sessions
from spectraview.storage.cache import Cache
from spectraview.storage.database import Database
from spectraview.storage.store import Store
from tests.api.samples import (
    CLICK,
    fault_of,
    info_of,
)
from tests.api_client import Answer, ApiClient
from tests.conftest import ApiFactory

NOW_MS = 1_700_000_000_000


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def expire(database: Database, session_id: UUID) -> None:
    """Let a session's time be over."""
    await database.fetch_all(
        "UPDATE sessions SET expires_at = now() WHERE id = %(id)s", {"id": session_id}
    )


async def start(api: ApiClient, **members: object) -> Answer:
    """Send a start."""
    body = {"sessionId": str(uuid4()), "appId": "shop"} | members
    return await api.request("POST", "/api/sessions/start", body)


async def test_an_idle_session_ends_at_its_last_event(
    api: ApiClient, store: Store, cache: Cache
) -> None:
    session_id = await api.start(startTime=NOW_MS)
    await api.send(session_id, [{"type": 3, "timestamp": NOW_MS + 7_000}])
    assert await end_idle_sessions(store, cache, 0.000_001) >= 1
    info = await info_of(api, session_id)
    assert (info["endTime"], info["duration"], info["live"]) == (NOW_MS + 7_000, 7, False)


async def test_an_active_session_does_not_end(api: ApiClient, store: Store, cache: Cache) -> None:
    session_id = await api.start()
    await end_idle_sessions(store, cache, 60)
    assert (await info_of(api, session_id))["live"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [("events", {"events": [CLICK]}), ("events", {}), ("heartbeat", {})],
)
async def test_an_idle_session_goes_on_when_something_comes(
    api: ApiClient, store: Store, cache: Cache, path: str, body: object
) -> None:
    session_id = await api.start()
    await end_idle_sessions(store, cache, 0.000_001)
    await api.post_events(session_id, body, path=path)
    info = await info_of(api, session_id)
    assert (info["endTime"], info["live"]) == (None, True)


async def test_the_background_job_ends_idle_sessions(make_api: ApiFactory) -> None:
    api = await make_api(idle_timeout=0.001, job_interval=0.01)
    session_id = await api.start()
    while (await info_of(api, session_id))["live"]:
        pass


@pytest.mark.parametrize("path", ["events", "heartbeat", "end"])
@pytest.mark.parametrize("body", [{"events": [CLICK], "appId": "shop"}, {}])
async def test_an_expired_session_takes_nothing(
    api: ApiClient, database: Database, path: str, body: object
) -> None:
    session_id = await api.start()
    await expire(database, session_id)
    answer = await api.post_events(session_id, body, path=path)
    assert fault_of(answer) == (410, "session_expired", None)


async def test_an_expired_session_does_not_start_again(api: ApiClient, database: Database) -> None:
    session_id = await api.start()
    await expire(database, session_id)
    answer = await start(api, sessionId=str(session_id))
    assert fault_of(answer) == (410, "session_expired", None)


async def test_a_late_start_does_not_wake_an_expired_session(
    api: ApiClient, database: Database
) -> None:
    session_id = uuid4()
    await api.send(session_id, [CLICK])
    await expire(database, session_id)
    answer = await start(api, sessionId=str(session_id))
    assert fault_of(answer) == (410, "session_expired", None)


@pytest.mark.parametrize("path", ["", "/replay"])
async def test_an_expired_session_cannot_be_read(
    api: ApiClient, database: Database, path: str
) -> None:
    session_id = await api.start()
    await expire(database, session_id)
    answer = await api.get(f"/api/sessions/{session_id}{path}")
    assert fault_of(answer) == (404, "session_not_found", None)


async def test_an_expired_session_is_not_listed(api: ApiClient, database: Database) -> None:
    session_id = await api.start(ticketId="T-expired")
    await expire(database, session_id)
    assert (await api.get("/api/sessions?ticketId=T-expired")).json["total"] == 0


@pytest.mark.parametrize(("members", "hours"), [({}, 24), ({"ttlHours": 2}, 2)])
async def test_a_session_expires_after_its_time_to_live(
    make_api: ApiFactory, database: Database, members: dict[str, Any], hours: int
) -> None:
    api = await make_api(ttl_hours=24)
    session_id = await api.start(**members)
    assert await hours_to_live(database, session_id) == hours


async def test_a_session_without_start_expires_after_the_same_time(
    make_api: ApiFactory, database: Database
) -> None:
    api = await make_api(ttl_hours=24)
    session_id = uuid4()
    await api.send(session_id, [CLICK])
    assert await hours_to_live(database, session_id) == 24


async def hours_to_live(database: Database, session_id: UUID) -> int:
    """Return the hours from a session's creation to its expiry."""
    row = await database.fetch_one(
        "SELECT round(extract(epoch FROM expires_at - created_at) / 3600)"
        " FROM sessions WHERE id = %(id)s",
        {"id": session_id},
    )
    assert row is not None
    return int(row[0])
