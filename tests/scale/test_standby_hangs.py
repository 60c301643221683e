"""A standby that takes connections and answers nothing holds reads up for a moment, and once."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from spectraview.embedded import ServerAddresses
from spectraview.storage.database import Database
from spectraview.storage.replica import Replica
from tests.conftest import ApiFactory
from tests.scale.standby import PATIENCE, Standby, reading_from, replica_of, until_usable

AT_ONCE = 0.7
"""Less than a look waits."""
SOON = 6.0
"""A look and its pause, or a connect, on a machine that has much else to do."""
HOUR = 3600.0
WHO = "SELECT pg_is_in_recovery()"
LONG_ON_THE_STANDBY = """
SELECT pg_is_in_recovery(), pg_sleep(CASE WHEN pg_is_in_recovery() THEN %(seconds)s ELSE 0 END)
"""

IS_UNDER_WAY = """
SELECT 1 FROM pg_stat_activity
WHERE state = 'active' AND query LIKE '%%pg_sleep%%' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def database_url(primary: ServerAddresses) -> str:
    """The primary's address."""
    return primary.database_url


@pytest.fixture
async def replica(database: Database, standby: Standby) -> AsyncIterator[Replica]:
    """Reads on the standby."""
    async with reading_from(standby, database) as replica:
        yield replica


async def standby_reads(replica: Replica, *, within: float = HOUR) -> bool:
    """Read, and tell whether the standby answered."""
    row = await replica.fetch_one(WHO, within=within)
    assert row is not None
    return bool(row[0])


async def test_every_answer_comes_while_the_standby_is_silent(
    make_api: ApiFactory, standby: Standby
) -> None:
    api = await make_api(database_read_url=standby.url, read_lag=HOUR)
    session_id = await api.start()
    await api.send(session_id, [{"type": 3, "data": {}, "timestamp": 1}])
    await until_usable(replica_of(api))
    recording = f"/api/sessions/{session_id}/replay"
    paths = ("/api/sessions", "/api/analytics", recording, f"{recording}/manifest")
    with standby.frozen():
        async with asyncio.timeout(SOON):
            answers = await asyncio.gather(*map(api.get, paths))
    assert [answer.status for answer in answers] == [200] * len(paths)


async def test_reads_leave_a_standby_that_falls_silent_and_come_back(
    replica: Replica, standby: Standby
) -> None:
    assert await standby_reads(replica)
    with standby.frozen():
        async with asyncio.timeout(SOON):
            reads = await asyncio.gather(*(standby_reads(replica) for _ in range(8)))
        assert not any(reads)
    await until_usable(replica)
    assert await standby_reads(replica)


async def test_a_read_that_is_under_way_is_the_primarys_too(
    replica: Replica, standby: Standby
) -> None:
    reading = asyncio.create_task(
        replica.fetch_one(LONG_ON_THE_STANDBY, {"seconds": HOUR}, within=HOUR), name="reading"
    )
    async with asyncio.timeout(PATIENCE):
        while not await replica.fetch_all(IS_UNDER_WAY):
            pass
    with standby.frozen():
        async with asyncio.timeout(SOON):
            row = await reading
    assert row is not None
    assert not row[0]


async def test_who_comes_later_waits_for_nothing(replica: Replica, standby: Standby) -> None:
    with standby.frozen():
        await until_usable(replica, usable=False)
        for _ in range(3):
            looking = asyncio.create_task(replica.look(), name="look")
            while not looking.done():
                began = time.monotonic()
                assert not await standby_reads(replica)
                assert time.monotonic() - began < AT_ONCE
                await asyncio.wait({looking}, timeout=0.05)
            assert not replica.usable


async def test_long_reads_go_on_while_the_standby_answers(replica: Replica) -> None:
    more_than_connections = 7
    rows = await asyncio.gather(
        *(
            replica.fetch_one(LONG_ON_THE_STANDBY, {"seconds": 1.5})
            for _ in range(more_than_connections)
        )
    )
    assert all(row is not None and row[0] for row in rows)
    assert replica.usable


async def test_a_standby_that_lets_nobody_in_is_read_only_once_it_does(
    replica: Replica, standby: Standby
) -> None:
    assert await standby_reads(replica)
    with standby.letting_nobody_in():
        async with asyncio.timeout(SOON):  # one of the two needs a new connection
            await asyncio.gather(*(standby_reads(replica) for _ in range(2)))
        assert not replica.usable
        for _ in range(2):
            await replica.look()
            assert not replica.usable
            assert not await standby_reads(replica, within=AT_ONCE)
    await until_usable(replica)
    assert await standby_reads(replica)


async def test_a_standby_that_is_silent_from_the_start_holds_nobody_up(
    database: Database, standby: Standby
) -> None:
    reads, lookout = (Database(standby.url, connections=1, timeout=PATIENCE) for _ in range(2))
    with standby.frozen():
        async with (
            asyncio.timeout(SOON),
            Replica(database, reads, lookout, time.monotonic, most_lag=HOUR) as replica,
        ):
            assert not await standby_reads(replica)
