"""Where events lie: in the partition of the day that the server made their session."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from spectraview.storage import queries
from spectraview.storage.database import Database
from spectraview.storage.store import Store
from tests.storage.batches import MOVE, append, make_batch, start


@pytest.fixture
async def session_id(store: Store) -> UUID:
    """A session that has started."""
    return await start(store)


async def test_events_lie_in_the_partition_of_the_day_of_creation(
    store: Store, database: Database, session_id: UUID
) -> None:
    old = MOVE | {"timestamp": 1_000_000_000_000}
    await append(store, make_batch(session_id, old))
    rows = await database.fetch_all("SELECT tableoid::regclass::text, day FROM session_events")
    today = datetime.now(UTC).date()
    assert rows == [(f"session_events_{today:%Y_%m_%d}", today)]


async def test_a_session_of_yesterday_keeps_its_partition(
    store: Store, database: Database, session_id: UUID
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    await database.fetch_all("SELECT create_day_partitions(%(day)s)", {"day": yesterday})
    await database.fetch_all("UPDATE sessions SET day = %(day)s", {"day": yesterday})
    await append(store, make_batch(session_id, MOVE))
    assert await database.fetch_all("SELECT day FROM session_events") == [(yesterday,)]


async def test_partitions_are_made_once_by_many(store: Store, database: Database) -> None:
    made = await asyncio.gather(*(store.create_event_partitions(10) for _ in range(4)))
    assert sorted(made) == [0, 0, 0, 7]
    (row,) = await database.fetch_all(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'session_events'::regclass"
    )
    assert row == (11,)


async def test_partitions_are_made_while_batches_are_stored(store: Store, session_id: UUID) -> None:
    await asyncio.gather(
        *(append(store, make_batch(session_id, MOVE)) for _ in range(20)),
        *(store.create_event_partitions(20 + n) for n in range(5)),
        *(append(store, make_batch(session_id, MOVE)) for _ in range(20)),
    )
    session = await store.fetch_session(session_id)
    assert session is not None
    assert session.next_sequence == 40


@pytest.mark.parametrize("errors", [[], [{"type": "e", "timestamp": 1}]])
async def test_the_updates_of_a_batch_touch_no_index(
    database_url: str, errors: list[dict[str, object]]
) -> None:
    async with Database(database_url, connections=1, timeout=10) as database:
        store = Store(database)
        sessions = [await start(store) for _ in range(40)]
        for _ in range(15):
            await append(store, *(make_batch(s, MOVE, errors=errors) for s in sessions))
        await database.fetch_all("SELECT pg_stat_force_next_flush()")
        (row,) = await database.fetch_all(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'"
        )
    updated, hot = row
    assert updated == 600
    levels_of_errors = 3 if errors else 0  # 1, 3, 10: the index is told of these
    assert hot >= updated * 0.9 - levels_of_errors * len(sessions)


async def test_a_page_of_a_replay_touches_one_partition(
    store: Store, database: Database, session_id: UUID
) -> None:
    await append(store, make_batch(session_id, MOVE))
    place = {"session_id": session_id, "day": datetime.now(UTC).date(), "sequence": 0}
    page = {"after_batch": 0, "through_batch": 9, "page_bytes": 1, "before_sequence": 9}
    for query in (queries.FETCH_BATCHES, queries.LIST_SEGMENTS, queries.FETCH_CUSTOM_EVENTS):
        plan = await database.fetch_all(f"EXPLAIN {query}", place | page)
        scanned = {match for (line,) in plan for match in re.findall(r" on (\w+_\d{4}\S+)", line)}
        assert len(scanned) == 1, plan
