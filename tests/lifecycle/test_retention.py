"""Expired sessions go away: whole days at once, those that expire early by row."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg2
import pytest

from spectraview.lifecycle.retention import LOCK, Retention, RetentionReport, RetentionRules
from spectraview.storage.database import Database
from spectraview.storage.exclusive import exclusive
from spectraview.storage.retention import RetentionStore
from spectraview.storage.store import Store
from tests.lifecycle.days import DAY_TABLES, expire, partitions_of, rows_of, session_of, today
from tests.storage.batches import MOVE, append, make_batch, start


@pytest.fixture
def retention(database: Database) -> Retention:
    """Retention that keeps nothing."""
    return Retention(RetentionStore(database), RetentionRules(False, 30))


@contextmanager
def long_reader(database_url: str) -> Iterator[None]:
    """Keep a transaction open that has read the day's tables, as a backup does."""
    connection = psycopg2.connect(database_url)
    with connection.cursor() as cursor:
        for table in DAY_TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
        yield
    connection.close()


async def test_a_day_whose_sessions_have_all_expired_is_dropped(
    store: Store, database: Database, retention: Retention
) -> None:
    sessions = [
        await session_of(store, database, days_ago=4, expires_in_hours=-1) for _ in range(3)
    ]
    day = await today(database) - timedelta(days=4)
    assert await partitions_of(database, day) == sorted(DAY_TABLES)
    report = await retention.run()
    assert (report.dropped, report.deleted) == ([day], 3)
    assert await partitions_of(database, day) == []
    for session_id in sessions:
        assert await rows_of(database, session_id) == {"tombstones": 1}


async def test_a_day_with_a_session_that_lives_on_stays(
    store: Store, database: Database, retention: Retention
) -> None:
    expired = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    living = await session_of(store, database, days_ago=4, expires_in_hours=500)
    before = await rows_of(database, living)
    report = await retention.run()
    assert (report.dropped, report.deleted) == ([], 1)
    assert await rows_of(database, expired) == {"tombstones": 1}
    assert await rows_of(database, living) == before


async def test_sessions_wait_for_their_day_when_it_goes_within_a_day(
    store: Store, database: Database, retention: Retention
) -> None:
    expired = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    last = await session_of(store, database, days_ago=4, expires_in_hours=20)
    assert (await retention.run()).deleted == 0
    await expire(database, last)
    report = await retention.run()
    assert (len(report.dropped), report.deleted) == (1, 2)
    assert await rows_of(database, expired) == {"tombstones": 1}


async def test_a_session_of_today_goes_by_row(
    store: Store, database: Database, retention: Retention
) -> None:
    expired = await session_of(store, database, days_ago=0, expires_in_hours=-1)
    report = await retention.run()
    assert (report.dropped, report.deleted) == ([], 1)
    assert await rows_of(database, expired) == {"tombstones": 1}
    assert await partitions_of(database, await today(database)) == sorted(DAY_TABLES)


async def test_a_drop_that_was_killed_half_way_is_finished_by_the_next_round(
    store: Store, database: Database, retention: Retention
) -> None:
    session_id = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    day = await today(database) - timedelta(days=4)
    for table in DAY_TABLES[:2]:
        assert await RetentionStore(database).drop_partition(table, day)
    report = await retention.run()
    assert (report.dropped, report.deleted) == ([day], 1)
    assert await rows_of(database, session_id) == {"tombstones": 1}


async def test_what_was_known_of_expired_sessions_is_kept_on_request(
    store: Store, database: Database
) -> None:
    keeping = Retention(RetentionStore(database), RetentionRules(True, 30))
    session_id = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    report = await keeping.run()
    assert report.kept == 1
    assert await rows_of(database, session_id) == {"tombstones": 1, "sessions_archive": 1}
    (row,) = await database.fetch_all(
        "SELECT app_id, event_count, custom_event_count, error_count FROM sessions_archive"
    )
    assert row == ("shop", 3, 1, 1)


async def test_old_tombstones_are_forgotten(
    store: Store, database: Database, retention: Retention
) -> None:
    session_id = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    await retention.run()
    assert (await retention.run()).forgotten == 0
    await database.fetch_all("UPDATE tombstones SET created_at = now() - interval '31 days'")
    assert (await retention.run()).forgotten == 1
    assert await rows_of(database, session_id) == {}


async def test_looking_tells_what_would_be_done_and_changes_nothing(
    store: Store, database: Database, retention: Retention
) -> None:
    early = await session_of(store, database, days_ago=0, expires_in_hours=-1)
    old = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    before = [await rows_of(database, session_id) for session_id in (early, old)]
    foreseen = await retention.look()
    assert [await rows_of(database, session_id) for session_id in (early, old)] == before
    assert await retention.run() == foreseen
    assert foreseen.deleted == 2
    assert await retention.look() == RetentionReport()


async def test_two_rounds_at_once_do_the_work_once(
    store: Store, database_url: str, database: Database, retention: Retention
) -> None:
    for days_ago in (0, 4, 5):
        for _ in range(5):
            await session_of(store, database, days_ago=days_ago, expires_in_hours=-1)
    async with Database(database_url, connections=2, timeout=10) as other:
        rounds = await asyncio.gather(
            retention.run(), Retention(RetentionStore(other), RetentionRules(True, 30)).run()
        )
    assert sum(report.deleted for report in rounds) == 15
    (row,) = await database.fetch_all("SELECT count(*) FROM sessions")
    assert row == (0,)


async def test_the_work_of_one_process_is_refused_to_another(database_url: str) -> None:
    async with exclusive(database_url, LOCK) as first, exclusive(database_url, LOCK) as second:
        assert (first, second) == (True, False)
    async with exclusive(database_url, LOCK) as third:
        assert third


async def test_a_long_reader_holds_up_the_drop_and_nobody_else(
    store: Store, database: Database, database_url: str, retention: Retention
) -> None:
    await session_of(store, database, days_ago=4, expires_in_hours=-1)
    day = await today(database) - timedelta(days=4)
    running = await start(store)
    waits: list[float] = []
    with long_reader(database_url):
        dropping = asyncio.create_task(retention.run())
        until = time.monotonic() + 2
        while time.monotonic() < until:
            began = time.monotonic()
            await append(store, make_batch(running, MOVE))
            waits.append(time.monotonic() - began)
        assert await partitions_of(database, day) == sorted(DAY_TABLES)
        assert not dropping.done()
    assert (await dropping).dropped == [day]
    assert max(waits) < 1, "ingest waited behind the drop"


async def test_partitions_are_made_while_somebody_reads_for_long(
    store: Store, database: Database, database_url: str
) -> None:
    with long_reader(database_url):
        assert await store.create_event_partitions(5) == 2
    assert await partitions_of(database, await today(database) + timedelta(days=5))


async def test_days_are_dropped_while_batches_are_stored(
    store: Store, database: Database, retention: Retention
) -> None:
    running = await start(store)
    for days_ago in range(4, 10):
        await session_of(store, database, days_ago=days_ago, expires_in_hours=-1)
    stored, report = await asyncio.gather(
        asyncio.gather(*(append(store, make_batch(running, MOVE)) for _ in range(50))),
        retention.run(),
    )
    assert (len(stored), len(report.dropped), report.deleted) == (50, 6, 6)
    session = await store.fetch_session(running)
    assert session is not None
    assert session.next_sequence == 50
