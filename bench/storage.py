"""Storage: recordings in SpectraView's tables, sealed, and in the specification's tables."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg2
from psycopg2.extensions import cursor as Cursor

from bench import storage_contract
from bench.errors import BenchError
from bench.figures import Figure, Result
from bench.plan import Plan
from bench.recordings import Recording, event_text
from bench.target import Target
from spectraview.ingest.body import Limits, parse_batch
from spectraview.lifecycle.sealing import Sealer, SealReport
from spectraview.storage.database import Database
from spectraview.storage.migrate import migrate
from spectraview.storage.models import NewSession, ReportedStats
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.store import Store

_LIMITS = Limits(max_inflated=33_554_432, max_events=50_000)
_COPIES = 8
"""Sessions of each recording: a few rows take as much of a table and an index as many, a page. All
figures are for one session of each.
"""
_SIZES = """
SELECT relname, pg_total_relation_size(oid)
FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""


def measure_storage(target: Target, plan: Plan) -> list[Result]:
    """Run the benchmark in databases of its own, on the server's PostgreSQL. Raises BenchError."""
    if target.database_url is None:
        raise BenchError("The database is not known: name --data-dir or --database-url")
    try:
        with _database(target.database_url) as url:
            sealed = _store_and_seal(url, plan.recordings)
        with _database(target.database_url) as url, _cursor(url) as cursor:
            storage_contract.store_recordings(cursor, plan.recordings, _COPIES)
            contract = _bytes(cursor)
    except psycopg2.Error as error:
        raise BenchError(f"The databases can't be made or used: {error}") from error
    return [Result("storage", target.name, list(_figures(plan.recordings, *sealed, contract)))]


def _figures(
    recordings: Sequence[Recording],
    unsealed: int,
    sealed: int,
    report: SealReport,
    cpu_seconds: float,
    contract: int,
) -> Iterator[Figure]:
    json_bytes = _COPIES * sum(len(event_text(r.events)) for r in recordings)
    yield Figure("JSON MB", json_bytes / _COPIES / 1e6)
    yield Figure("specification's tables MB", contract / _COPIES / 1e6)
    yield Figure("tables before sealing MB", unsealed / _COPIES / 1e6)
    yield Figure("tables after sealing MB", sealed / _COPIES / 1e6)
    yield Figure("segments MB", report.stored_bytes / _COPIES / 1e6)
    yield Figure("specification's tables / sealed", contract / sealed)
    yield Figure("JSON / sealed", json_bytes / sealed)
    yield Figure("JSON / segments", json_bytes / report.stored_bytes)
    yield Figure("CPU ms/MB of JSON sealed", cpu_seconds * 1e9 / report.size_bytes)


def _store_and_seal(
    url: str, recordings: Sequence[Recording]
) -> tuple[int, int, SealReport, float]:
    """Return the bytes of all tables before and after sealing, and what it did and cost."""
    migrate(url)
    asyncio.run(_store(url, recordings))
    with _cursor(url) as cursor:
        unsealed = _bytes(cursor)
        begun = time.process_time()
        report = asyncio.run(_seal(url))
        passed = time.process_time() - begun
        if report.failed:
            raise BenchError(f"{report.failed} sessions could not be sealed")
        return unsealed, _bytes(cursor), report, passed


async def _store(url: str, recordings: Sequence[Recording]) -> None:
    async with Database(url, connections=2, timeout=60) as database:
        store = Store(database)
        for recording in _COPIES * list(recordings):
            new = NewSession(uuid4(), "bench", "bench", None, None, True, "{}", None, 72)
            await store.start_session(new)
            for batch in recording.batches:
                parsed = parse_batch(
                    new.session_id, b"{" + batch.members, idempotency_key=None, limits=_LIMITS
                )
                await store.append_batches([parsed], within=60)
            await store.end_session(new.session_id, None, None, ReportedStats())


async def _seal(url: str) -> SealReport:
    async with Database(url, connections=2, timeout=60) as database:
        return await Sealer(database, SegmentData(database), seal_after=0).seal(1_000_000)


def _bytes(cursor: Cursor) -> int:
    """Return the bytes of all tables that hold something, with TOAST and indexes, as if new."""
    cursor.execute("VACUUM FULL")
    cursor.execute(_SIZES)
    total = 0
    for name, size in cursor.fetchall():
        cursor.execute(f'SELECT EXISTS (SELECT FROM ONLY "{name}")')
        total += size if cursor.fetchone() == (True,) else 0
    return total


@contextmanager
def _database(server_url: str) -> Iterator[str]:
    """Make a database, and drop it in the end."""
    name = f"bench_{uuid4().hex}"
    with _cursor(server_url) as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with _cursor(server_url) as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _cursor(url: str) -> Iterator[Cursor]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
