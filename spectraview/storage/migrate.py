"""Brings a database to the current schema: numbered SQL files, each applied once, under one
advisory lock.
"""

import logging
from dataclasses import dataclass
from importlib import resources

import psycopg2
from psycopg2.extensions import connection as Connection

logger = logging.getLogger(__name__)

# Any constant will do, as long as every process takes the same.
_ADVISORY_LOCK = 0x53504543  # "SPEC"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Return the shipped migrations in order."""
    files = resources.files("spectraview.sql").joinpath("migrations").iterdir()
    found = [
        Migration(int(file.name.split("_")[0]), file.name.removesuffix(".sql"), file.read_text())
        for file in files
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(database_url: str) -> list[str]:
    """Apply what is missing and return the names applied; safe when several processes start at
    once.

    Raises psycopg2.OperationalError when the database can't be reached.
    """
    connection = psycopg2.connect(database_url, connect_timeout=10)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        return [
            migration.name
            for migration in migrations()
            if migration.number not in _applied(connection) and _apply(connection, migration)
        ]
    finally:
        connection.close()


def _applied(connection: Connection) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY,"
            " name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        cursor.execute("SELECT number FROM schema_migrations")
        return {row[0] for row in cursor.fetchall()}


def _apply(connection: Connection, migration: Migration) -> bool:
    connection.autocommit = False
    with connection, connection.cursor() as cursor:
        cursor.execute(migration.sql)
        cursor.execute(
            "INSERT INTO schema_migrations (number, name) VALUES (%s, %s)",
            (migration.number, migration.name),
        )
    connection.autocommit = True
    logger.info("applied migration %s", migration.name)
    return True
