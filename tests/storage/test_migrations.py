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
