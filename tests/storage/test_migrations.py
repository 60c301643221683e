"""Migrations are applied once, whoever starts at the same moment."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

import psycopg2
import pytest

from spectraview.embedded import ServerAddresses
from spectraview.storage.migrate import migrate, migrations
from tests.conftest import _run_sql, _with_database

NAMES = [migration.name for migration in migrations()]


@pytest.fixture
def empty_database_url(servers: ServerAddresses) -> Iterator[str]:
    """A database without any schema."""
    name = f"test_{uuid4().hex}"
    _run_sql(servers.database_url, f"CREATE DATABASE {name} TEMPLATE template0")
    yield _with_database(servers.database_url, name)
    _run_sql(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


def test_all_are_applied_in_order(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == NAMES


def test_a_second_time_there_is_nothing_to_apply(empty_database_url: str) -> None:
    migrate(empty_database_url)
    assert migrate(empty_database_url) == []


def test_of_four_processes_that_start_at_once_each_migration_is_applied_by_one(
    empty_database_url: str,
) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as processes:
        applied = list(processes.map(migrate, [empty_database_url] * 4))
    assert sorted(name for names in applied for name in names) == NAMES


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    _run_sql(empty_database_url, "CREATE TABLE session_errors (mine INTEGER)")
    with pytest.raises(psycopg2.errors.DuplicateTable):
        migrate(empty_database_url)
    _run_sql(empty_database_url, "DROP TABLE session_errors")
    assert migrate(empty_database_url) == NAMES


def test_numbers_are_given_once_and_without_gaps() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(NAMES) + 1))


def test_what_was_stored_before_the_day_partitions_is_kept(empty_database_url: str) -> None:
    _apply_first(empty_database_url, 2)
    _run_sql(empty_database_url, _OLD_ROWS)
    assert migrate(empty_database_url) == NAMES[2:]
    with psycopg2.connect(empty_database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.day = c.day, s.day = e.day, s.day = i.day, c.event_type, e.message, i.digest"
            " FROM sessions s JOIN custom_events c ON c.session_id = s.id"
            " JOIN session_errors e ON e.session_id = s.id"
            " JOIN ingest_batches i ON i.session_id = s.id"
        )
        (row,) = cursor.fetchall()
    connection.close()
    assert (*row[:5], bytes(row[5])) == (True, True, True, "order", "boom", b"digest")


_OLD_ROWS = """
WITH session AS (INSERT INTO sessions (app_id) VALUES ('shop') RETURNING id),
custom AS (
  INSERT INTO custom_events (session_id, batch_number, event_type, event_data, timestamp)
  SELECT id, 1, 'order', '{}', 1 FROM session
), error AS (
  INSERT INTO session_errors (session_id, batch_number, error_type, message, timestamp, metadata)
  SELECT id, 1, 'TypeError', 'boom', 1, '{}' FROM session
)
INSERT INTO ingest_batches
  (session_id, batch_key, digest, first_sequence, event_count, batch_number)
SELECT id, 'key', 'digest', 0, 1, 1 FROM session
"""


def _apply_first(url: str, count: int) -> None:
    """Bring a database to an older schema."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
            " applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        for migration in migrations()[:count]:
            cursor.execute(migration.sql)
            cursor.execute(
                "INSERT INTO schema_migrations (number, name) VALUES (%s, %s)",
                (migration.number, migration.name),
            )
    connection.close()
