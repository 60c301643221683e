"""What sessions of five minutes take on disk and in Redis, live and sealed, and how that grows."""

import time
from collections.abc import Sequence
from contextlib import closing
from http import HTTPStatus

import psycopg2

from bench.capacity_gauges import query_number, redis_bytes, stored_bytes
from bench.capacity_generator import running_generator
from bench.capacity_load import LoadPlan
from bench.capacity_server import Server
from bench.errors import BenchError
from bench.figures import Figure, Result
from bench.progress import progress
from bench.recordings import Recording

SETTINGS = {"SPECTRAVIEW_SEAL_AFTER": "1", "SPECTRAVIEW_JOB_INTERVAL": "2"}
_BATCHES = 10
"""A batch each 30 s for five minutes; here they come faster."""
_BATCHES_A_SECOND = 100.0
_SEAL_SECONDS = 600.0
_PAUSE = 1.0
_UNSEALED = "SELECT count(*) FROM sessions WHERE sealed_at IS NULL"


def measure_growth(server: Server, *, sessions: int, recordings: Sequence[Recording]) -> Result:
    """Store so many sessions, end them, let them be sealed, and look each time what they take.

    Raises BenchError.
    """
    url = server.target.database_url
    if url is None or not server.own:
        raise BenchError("Storage is measured on a server of its own")
    before = _settled_bytes(server, url)
    redis_before = redis_bytes(server.redis_url)
    interval = sessions / _BATCHES_A_SECOND
    shortened = [Recording(r.name, r.events, r.batches[:_BATCHES]) for r in recordings]
    plan = LoadPlan(shortened, sessions, interval, 0, interval * _BATCHES, follow=True)
    with running_generator(server.target, plan) as generator:
        generator.started()
        generator.go()
        generator.wait_for("warm")
        generator.wait_for("posted")
        loaded = generator.loaded()
        live, redis_live = stored_bytes(server), redis_bytes(server.redis_url)
        generator.end_sessions()
    _wait_until_sealed(url, sessions)
    stored = sessions + loaded.started
    sealed = _settled_bytes(server, url)
    assert live is not None, "the database is known"
    figures = [
        Figure("sessions", stored),
        Figure("batches", loaded.planned),
        Figure("events", loaded.acknowledged),
        Figure("JSON MB", loaded.raw_bytes / 1e6),
        Figure("database MB, live", (live - before) / 1e6),
        Figure("database MB, sealed", (sealed - before) / 1e6),
        Figure("Redis MB", (redis_live - redis_before) / 1e6),
        Figure("JSON KB/session", loaded.raw_bytes / stored / 1e3),
        Figure("database KB/session, live", (live - before) / stored / 1e3),
        Figure("database KB/session, sealed", (sealed - before) / stored / 1e3),
        Figure("Redis KB/session", (redis_live - redis_before) / stored / 1e3),
    ]
    taken = Figure("batches answered 200", loaded.statuses[HTTPStatus.OK])
    found = [] if taken.value == loaded.planned else [f"batches were answered {loaded.statuses}"]
    return Result("storage", f"{sessions:,}", [*figures, taken], found)


def _wait_until_sealed(url: str, sessions: int) -> None:
    deadline = time.monotonic() + _SEAL_SECONDS
    with progress("sealing", sessions, "sessions") as bar:
        while unsealed := query_number(url, _UNSEALED):
            bar.update(max(0, sessions - unsealed - bar.n))
            if time.monotonic() > deadline:
                raise BenchError(f"{unsealed} sessions are not sealed after {_SEAL_SECONDS} s")
            time.sleep(_PAUSE)


def _settled_bytes(server: Server, url: str) -> int:
    """Return the size of the database without the room of deleted rows."""
    _execute(url, "VACUUM FULL")
    return stored_bytes(server) or 0


def _execute(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
