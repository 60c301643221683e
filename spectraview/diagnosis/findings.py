"""What a check looks at, and what it finds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from psycopg2.extensions import connection as Connection
from redis import Redis

from spectraview.config import Config
from spectraview.storage.database import Row
from spectraview.storage.objects import Objects

CONNECT_SECONDS = 5


class Level(StrEnum):
    """How bad a finding is: a problem loses or endangers something, a warning may."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found, and what to do about it."""

    level: Level
    message: str
    advice: str | None = None


@dataclass(frozen=True)
class Deployment:
    """What is looked at. The servers are None where there is none, or it does not answer."""

    config: Config
    folder: Path
    environment: Mapping[str, str]
    database: Connection | None = field(default=None, repr=False)
    redis: "Redis | None" = field(default=None, repr=False)
    objects: Objects | None = None
    now: Callable[[], float] = time.time

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> Sequence[Row]:
        """Return what the database answers."""
        assert self.database is not None, "checks of the database run with one"
        with self.database.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def row(self, query: str, parameters: Mapping[str, object] | None = None) -> Row:
        """Return the only row that the database answers."""
        (row,) = self.rows(query, parameters)
        return row


Check = Callable[[Deployment], Finding]


def ok(message: str) -> Finding:
    """Return that all is well."""
    return Finding(Level.OK, message)


def warning(message: str, advice: str) -> Finding:
    """Return what may become a problem."""
    return Finding(Level.WARNING, message, advice)


def problem(message: str, advice: str) -> Finding:
    """Return what has to be mended."""
    return Finding(Level.PROBLEM, message, advice)


def megabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size / 1_000_000_000:.1f} GB" if size >= 1e9 else f"{size / 1_000_000:.0f} MB"
