"""The pool of connections on a network that fails."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from spectraview.storage.database import Database, DatabaseUnavailable
from tests.faults.proxy import FaultProxy
from tests.faults.weather import BlackHole, Weather

CONNECTIONS = 4


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[FaultProxy]:
    """A proxy before PostgreSQL."""
    port = urlsplit(database_url).port
    assert port is not None
    async with FaultProxy(port) as proxy:
        yield proxy


@pytest.fixture
async def distant(database_url: str, proxy: FaultProxy) -> AsyncIterator[Database]:
    """The database, behind the proxy."""
    port = urlsplit(database_url).port
    url = database_url.replace(f":{port}/", f":{proxy.port}/")
    async with Database(url, connections=CONNECTIONS, timeout=10) as database:
        yield database


async def select_all(database: Database) -> list[object]:
    """Use every connection at the same time."""
    return await asyncio.gather(
        *(database.fetch_all("SELECT 1 FROM pg_sleep(0.05)") for _ in range(3 * CONNECTIONS))
    )


async def test_connections_that_the_server_ends_are_replaced(
    distant: Database, database: Database
) -> None:
    for _ in range(5):
        await select_all(distant)
        await database.fetch_all(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await select_all(distant) == [[(1,)]] * 3 * CONNECTIONS


async def test_statements_that_broke_are_sent_on_other_connections(
    distant: Database, proxy: FaultProxy
) -> None:
    for _ in range(5):
        running = asyncio.create_task(select_all(distant))
        await asyncio.sleep(0.02)
        proxy.reset()
        assert await running == [[(1,)]] * 3 * CONNECTIONS


async def test_one_timeout_is_enough_to_mistrust_all_connections(
    distant: Database, proxy: FaultProxy
) -> None:
    await select_all(distant)
    proxy.lose_connections()
    with pytest.raises(DatabaseUnavailable):
        await distant.fetch_all("SELECT 1", within=0.2)
    began = time.monotonic()
    await select_all(distant)
    assert time.monotonic() - began < 5


async def test_a_connect_that_hangs_holds_up_nobody_else(
    distant: Database, proxy: FaultProxy
) -> None:
    proxy.reset()
    hole = BlackHole()
    proxy.change(hole)
    hanging = asyncio.create_task(distant.fetch_all("SELECT 1"))
    await asyncio.sleep(0.2)
    proxy.weather = Weather()  # for all but the connect that is on its way
    assert await select_all(distant) == [[(1,)]] * 3 * CONNECTIONS
    assert not hanging.done()
    hole.end()
    assert await hanging == [(1,)]
