"""Sessions of days that are over: the clock is moved by moving the rows."""

from datetime import date, timedelta
from uuid import UUID

from spectraview.storage.database import Database
from spectraview.storage.store import Store
from tests.storage.batches import META, MOVE, SNAPSHOT, append, make_batch, start

CUSTOM = {"type": "custom", "eventType": "checkout", "data": {}, "timestamp": 103}
ERROR = {"type": "javascript_error", "message": "no", "timestamp": 104}
DAY_TABLES = (
    "session_events",
    "session_segments",
    "custom_events",
    "session_errors",
    "ingest_batches",
)


async def today(database: Database) -> date:
    """Return the day of the database's clock."""
    (row,) = await database.fetch_all("SELECT (now() AT TIME ZONE 'UTC')::date")
    day: date = row[0]
    return day


async def session_of(
    store: Store, database: Database, *, days_ago: int, expires_in_hours: float
) -> UUID:
    """Make a session with a batch, of some days ago, and return its id."""
    session_id = await start(store)
    day = await today(database) - timedelta(days=days_ago)
    await database.fetch_all("SELECT create_day_partitions(%(day)s)", {"day": day})
    await database.fetch_all(
        "UPDATE sessions SET day = %(day)s WHERE id = %(id)s", {"day": day, "id": session_id}
    )
    await append(
        store,
        make_batch(session_id, META, SNAPSHOT, MOVE, customEvents=[CUSTOM], errors=[ERROR]),
    )
    await expire(database, session_id, hours=expires_in_hours)
    return session_id


async def expire(database: Database, session_id: UUID, *, hours: float = 0) -> None:
    """Let a session expire in so many hours."""
    await database.fetch_all(
        "UPDATE sessions SET expires_at = now() + make_interval(secs => %(seconds)s)"
        " WHERE id = %(id)s",
        {"id": session_id, "seconds": hours * 3600},
    )


async def partitions_of(database: Database, day: date) -> list[str]:
    """Return the tables that have a partition of a day."""
    rows = await database.fetch_all(
        "SELECT inhparent::regclass::text FROM pg_inherits"
        " WHERE inhrelid::regclass::text LIKE %(name)s ORDER BY 1",
        {"name": f"%{day:%Y_%m_%d}"},
    )
    return [row[0] for row in rows if row[0] in DAY_TABLES]


async def rows_of(database: Database, session_id: UUID) -> dict[str, int]:
    """Return how many rows each table holds of a session."""
    counts = {}
    for table in (*DAY_TABLES, "sessions", "tombstones", "sessions_archive"):
        column = "id" if table in ("sessions", "sessions_archive") else "session_id"
        (row,) = await database.fetch_all(
            f"SELECT count(*) FROM {table} WHERE {column} = %(id)s", {"id": session_id}
        )
        counts[table] = row[0]
    return {table: count for table, count in counts.items() if count}
