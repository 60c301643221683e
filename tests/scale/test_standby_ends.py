"""A standby breaks reads off, refuses them, or stops being one: the primary reads for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from spectraview.embedded import ServerAddresses
from spectraview.storage import queries
from spectraview.storage.database import Database
from spectraview.storage.replica import Replica
from tests.conftest import ApiFactory
from tests.scale.conftest import open_folder
from tests.scale.standby import PATIENCE, Standby, reading_from, replica_of, until_usable

LONG_ON_THE_STANDBY = """
SELECT pg_is_in_recovery(), pg_sleep(CASE WHEN pg_is_in_recovery() THEN 60 ELSE 0 END)
FROM fought_over
"""
HAS_REPLAYED = """
SELECT 1 WHERE pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') >= %(position)s
"""
REFUSED_BY_THE_STANDBY = "SELECT pg_is_in_recovery(), txid_current()"


@pytest.fixture
def database_url(primary: ServerAddresses) -> str:
    """The primary's address."""
    return primary.database_url


@pytest.fixture(scope="module")
def hasty_standby(primary: ServerAddresses) -> Iterator[Standby]:
    """A standby that breaks off at once what stands in the way of its primary's changes; the last
    test promotes it.
    """
    with open_folder() as folder:
        standby = Standby(primary.database_url, folder, patience="0")
        yield standby
        standby.stop()


@pytest.fixture
async def replica(database: Database, hasty_standby: Standby) -> AsyncIterator[Replica]:
    """Reads on that standby."""
    async with reading_from(hasty_standby, database) as replica:
        yield replica


async def test_the_primary_reads_what_a_conflict_broke_off(
    database: Database, replica: Replica
) -> None:
    await database.fetch_all("CREATE TABLE fought_over (number INTEGER)")
    await database.fetch_all("INSERT INTO fought_over VALUES (1)")
    position = await database.fetch_one(queries.FETCH_WAL_POSITION)
    assert position is not None
    while not await replica.fetch_all(HAS_REPLAYED, {"position": position[0]}):
        await replica.look()
    reading = asyncio.create_task(replica.fetch_all(LONG_ON_THE_STANDBY), name="reading")
    async with asyncio.timeout(PATIENCE):
        while not reading.done():
            await database.fetch_all("ALTER TABLE fought_over ALTER number SET DEFAULT 1")
            await asyncio.wait({reading}, timeout=0.05)
    assert [bool(row[0]) for row in await reading] == [False]
    assert replica.usable
    assert replica.measures.passed_over == {"away": 1}


async def test_the_primary_reads_what_the_standby_refuses(replica: Replica) -> None:
    row = await replica.fetch_one(REFUSED_BY_THE_STANDBY)
    assert row is not None
    assert not row[0]
    assert replica.measures.passed_over == {"refused": 1}


async def test_a_promoted_standby_is_read_no_longer(
    make_api: ApiFactory, hasty_standby: Standby
) -> None:
    api = await make_api(database_read_url=hasty_standby.url, read_lag=0.5)
    replica = replica_of(api)
    await until_usable(replica)
    await asyncio.to_thread(hasty_standby.promote)
    await until_usable(replica, usable=False)
    session_id = await api.start()
    listed = await api.get("/api/sessions?limit=500")
    assert str(session_id) in {session["sessionId"] for session in listed.json["sessions"]}
