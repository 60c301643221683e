"""What belongs to a session goes with it, from every table with a partition for each day."""

import pytest

from spectraview.storage.database import Database
from spectraview.storage.store import Store
from tests.storage.batches import MOVE, append, make_batch, start

CUSTOM_EVENT = {"eventType": "paid", "timestamp": 1}
ERROR = {"type": "e", "timestamp": 1}


async def names_of_tables(database: Database) -> list[str]:
    """Return the tables that have a partition for each day."""
    (row,) = await database.fetch_all("SELECT day_tables()")
    names: list[str] = row[0]
    return names


async def test_every_table_with_partitions_by_day_is_known(database: Database) -> None:
    rows = await database.fetch_all(
        "SELECT partrelid::regclass::text FROM pg_partitioned_table ORDER BY 1"
    )
    assert [row[0] for row in rows] == sorted(await names_of_tables(database))


@pytest.mark.parametrize("kept", [False, True])
async def test_a_deleted_session_leaves_no_row(
    store: Store, database: Database, kept: bool
) -> None:
    sessions = [await start(store) for _ in range(2)]
    for session_id in sessions:
        await append(
            store,
            make_batch(session_id, MOVE, customEvents=[CUSTOM_EVENT] * 2, errors=[ERROR]),
            make_batch(session_id, MOVE, customEvents=[CUSTOM_EVENT]),
        )
    gone = sessions[1:] if kept else sessions
    await database.fetch_all(
        "SELECT delete_sessions(%(gone)s::uuid[])", {"gone": "{" + ",".join(map(str, gone)) + "}"}
    )
    left = {
        row[0]
        for name in await names_of_tables(database)
        for row in await database.fetch_all(f"SELECT session_id FROM {name}")
    }
    assert left == ({sessions[0]} if kept else set())
