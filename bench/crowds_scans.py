"""What PostgreSQL has been asked for, by its own statistics."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from bench.errors import BenchError
from bench.figures import Figure
from bench.progress import progress

_SETTLE_SECONDS = 11
"""An idle connection of PostgreSQL tells its statistics after 10 s."""

_READ = """
SELECT
  (SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables
   WHERE relname LIKE 'session\\_events%'),
  (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Scans:
    """Counters of a database: scans of the table of batches, and all statements."""

    event_scans: int
    statements: int

    def figures(self, before: "Scans", viewers: int) -> Iterator[Figure]:
        """Yield what has been added since, for each viewer too."""
        scans = self.event_scans - before.event_scans
        yield Figure("scans of session_events", scans)
        yield Figure("scans of session_events/viewer", scans / viewers, "less")
        yield Figure("PostgreSQL statements", self.statements - before.statements)


def read_scans(database_url: str | None) -> Scans | None:
    """Wait for the statistics and read them; None if no database is known. Raises BenchError."""
    if database_url is None:
        return None
    with progress("waiting for PostgreSQL's statistics", _SETTLE_SECONDS, "s") as bar:
        for _ in range(_SETTLE_SECONDS):
            time.sleep(1)
            bar.update()
    try:
        with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
            cursor.execute(_READ)
            row = cursor.fetchone()
    except psycopg2.Error as error:
        raise BenchError(f"The database does not tell its statistics: {error}") from error
    assert row is not None
    return Scans(int(row[0]), int(row[1]))
