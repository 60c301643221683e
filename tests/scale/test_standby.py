"""A standby serves lists, replays, manifests and analytics, as far as it has what was written."""

import asyncio
import time
from uuid import UUID

import pytest

from spectraview.embedded import ServerAddresses
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import Event
from tests.scale.standby import PATIENCE, Standby, replica_of, until_it_has, until_usable


def event(number: int) -> Event:
    """Return a made-up event that carries its number."""
    return {"type": 3, "data": {"number": number}, "timestamp": number}


@pytest.fixture
def database_url(primary: ServerAddresses) -> str:
    """The primary's address."""
    return primary.database_url


@pytest.fixture
async def api(make_api: ApiFactory, standby: Standby) -> ApiClient:
    """An application that reads from the standby."""
    api = await make_api(database_read_url=standby.url, read_lag=60.0)
    await until_usable(replica_of(api))
    return api


@pytest.fixture
async def strict_api(make_api: ApiFactory, standby: Standby) -> ApiClient:
    """An application that reads from the standby while that is hardly late."""
    api = await make_api(database_read_url=standby.url, read_lag=0.5)
    await until_usable(replica_of(api))
    return api


async def listed(api: ApiClient) -> set[str]:
    """Return the ids of all sessions in the list."""
    answer = await api.get("/api/sessions?limit=500")
    assert answer.status == 200, answer
    return {session["sessionId"] for session in answer.json["sessions"]}


async def everything_of(api: ApiClient, session_id: UUID) -> list[Event]:
    """Return a session's events, as replay and manifest agree on them."""
    replay = await api.replay(session_id)
    manifest = (await api.get(f"/api/sessions/{session_id}/replay/manifest")).json
    assert manifest["events"] == len(replay["events"])
    return list(replay["events"])


async def test_lists_and_analytics_are_the_standbys(api: ApiClient, standby: Standby) -> None:
    with standby.paused():
        new = await api.start()
        assert str(new) not in await listed(api)
    await until_it_has(replica_of(api), new, 0)
    assert str(new) in await listed(api)
    assert (await api.get("/api/analytics")).status == 200


async def test_what_was_just_written_is_read_however_late_the_standby_is(
    api: ApiClient, standby: Standby
) -> None:
    session_id = await api.start()
    with standby.paused():
        for number in range(5):
            await api.send(session_id, [event(number)])
            assert await everything_of(api, session_id) == [event(n) for n in range(number + 1)]
    await until_it_has(replica_of(api), session_id, 5)
    assert await everything_of(api, session_id) == [event(n) for n in range(5)]


async def test_a_standby_that_is_late_for_too_long_is_passed_over(
    strict_api: ApiClient, standby: Standby
) -> None:
    with standby.paused():
        new = str(await strict_api.start())
        await until_usable(replica_of(strict_api), usable=False)
        assert new in await listed(strict_api)
    await until_usable(replica_of(strict_api))


async def test_a_standby_may_go_and_come(strict_api: ApiClient, standby: Standby) -> None:
    api = strict_api
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    await until_usable(replica_of(api))
    await asyncio.to_thread(standby.stop)
    try:
        assert str(session_id) in await listed(api)
        assert await everything_of(api, session_id) == [event(0)]
        assert (await api.get("/api/analytics")).status == 200
        await until_usable(replica_of(api), usable=False)
    finally:
        await asyncio.to_thread(standby.start)
    await until_usable(replica_of(api))
    assert await everything_of(api, session_id) == [event(0)]


async def test_no_standby_is_needed_to_start(make_api: ApiFactory) -> None:
    api = await make_api(database_read_url="postgresql://nobody@127.0.0.1:1/none")
    session_id = await api.start()
    assert str(session_id) in await listed(api)
    assert not replica_of(api).usable


async def test_a_server_that_is_no_standby_is_passed_over(
    make_api: ApiFactory, primary: ServerAddresses
) -> None:
    api = await make_api(database_read_url=primary.database_url)
    assert not replica_of(api).usable
    began = time.monotonic()
    assert (await api.get("/api/sessions")).status == 200
    assert time.monotonic() - began < PATIENCE
