"""Statements whose plans are kept: made once, for tables of any size."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest

from spectraview.storage import queries
from spectraview.storage.append import append_parameters
from spectraview.storage.models import NewSession, ReportedStats
from tests.storage.batches import MOVE, make_batch

SESSION_ID = uuid4()
REPORTED = {"session_id": SESSION_ID, "app_id": None, **asdict(ReportedStats())}
STATEMENTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "append": (queries.APPEND_BATCHES, append_parameters([make_batch(SESSION_ID, MOVE)])),
    "touch": (queries.TOUCH_SESSION, REPORTED),
    "end": (queries.END_SESSION, {**REPORTED, "ended_at": None}),
}


@pytest.fixture
def cursor(database_url: str) -> Iterator[Any]:
    """In one transaction, within which PostgreSQL counts what it does."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        yield cursor


def start(cursor: Any, session_id: UUID = SESSION_ID) -> None:
    new = NewSession(session_id, "app", None, None, None, True, "{}", None, None)
    cursor.execute(queries.START_SESSION, asdict(new))


def whole_reads(cursor: Any) -> int:
    """Return how often a whole table of sessions or of what is in them was read."""
    cursor.execute(
        "SELECT sum(seq_scan)::int FROM pg_stat_xact_user_tables"
        " WHERE relname = 'sessions' OR relname LIKE 'ingest_batches%'"
    )
    return int(cursor.fetchone()[0])


def test_a_start_reads_no_whole_table_while_all_are_empty(cursor: Any) -> None:
    start(cursor)
    assert cursor.rowcount == 1
    assert whole_reads(cursor) == 0


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_reads_no_whole_table_though_all_are_small(cursor: Any, name: str) -> None:
    start(cursor)
    cursor.execute("ANALYZE sessions")
    before = whole_reads(cursor)
    statement, parameters = STATEMENTS[name]
    cursor.execute(statement, parameters)
    assert cursor.rowcount == 1
    assert whole_reads(cursor) == before
