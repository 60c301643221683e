"""The pool of connections: what is cancelled, and by whom."""

import asyncio
import time

import psycopg2
import pytest

from spectraview.storage.database import Database, DatabaseUnavailable


async def test_a_cancelled_task_ends_whenever_the_cancellation_comes(database: Database) -> None:
    for step in range(12):
        task = asyncio.create_task(database.fetch_all("SELECT 1"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        _let_postgresql_answer()
        for _ in range(step):
            await asyncio.sleep(0)
        late = not task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert late or isinstance(outcome, asyncio.CancelledError)


async def test_a_cancelled_task_ends_also_while_it_connects(database_url: str) -> None:
    for connecting in range(12):
        for step in range(6):
            task = asyncio.create_task(_open_and_wait(database_url))
            for _ in range(connecting):
                await asyncio.sleep(0)
                _let_postgresql_answer()
            for _ in range(step):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=10)
            assert done, "the cancellation was lost"
            assert task.cancelled()


async def _open_and_wait(database_url: str) -> None:
    async with Database(database_url, connections=1, timeout=10):
        await asyncio.Event().wait()


async def test_a_statement_may_be_given_more_time_than_the_others(database_url: str) -> None:
    async with Database(database_url, connections=1, timeout=0.2) as database:
        assert await database.fetch_all("SELECT 1 FROM pg_sleep(0.5)", within=10) == [(1,)]
        with pytest.raises(DatabaseUnavailable):
            await database.fetch_all("SELECT 1 FROM pg_sleep(60)")


def _let_postgresql_answer() -> None:
    """Hold the event loop, so that the answer lies there and the next steps are always the same."""
    time.sleep(0.02)


async def test_a_statement_that_an_administrator_cancels_is_an_outage(
    database: Database, database_url: str
) -> None:
    slow = asyncio.create_task(database.fetch_all("SELECT pg_sleep(60)"))
    await asyncio.to_thread(_cancel_statements, database_url, 2)  # it is tried twice
    with pytest.raises(DatabaseUnavailable):
        await slow
    assert await database.fetch_all("SELECT 1") == [(1,)]


def _cancel_statements(url: str, wanted: int) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        while wanted:
            cursor.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
                " AND state = 'active'"
            )
            wanted -= cursor.rowcount
    connection.close()
