"""Background jobs of every process; each is safe to run in several processes at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.lifecycle.deletion import Eraser
from spectraview.lifecycle.sealing import Sealer
from spectraview.observability.jobs import Jobs
from spectraview.storage.cache import Cache
from spectraview.storage.database import DatabaseUnavailable, StatementRefused
from spectraview.storage.store import Store

logger = logging.getLogger(__name__)

_PARTITION_DAYS = 3
_SEALED_AT_ONCE = 100


@asynccontextmanager
async def running_jobs(
    store: Store,
    cache: Cache,
    eraser: Eraser,
    sealer: Sealer,
    measures: Jobs,
    *,
    interval: float,
    idle_timeout: float,
) -> AsyncIterator[None]:
    """Run the jobs every `interval` seconds while the context lasts."""
    jobs = _run_jobs(store, cache, eraser, measures, interval, idle_timeout)
    tasks = [
        asyncio.create_task(jobs, name="jobs"),
        asyncio.create_task(_run_sealing(sealer, measures, interval), name="sealing"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_jobs(
    store: Store,
    cache: Cache,
    eraser: Eraser,
    measures: Jobs,
    interval: float,
    idle_timeout: float,
) -> None:
    while True:
        try:
            with measures.round("partitions"):
                await store.create_event_partitions(_PARTITION_DAYS)
            with measures.round("end_idle") as job:
                job.done["sessions"] += await end_idle_sessions(store, cache, idle_timeout)
            with measures.round("erase"):
                await eraser.finish()
            measures.active_sessions = await store.count_active()
        except DatabaseUnavailable as error:
            logger.warning("the jobs wait for PostgreSQL: %s", str(error).strip())
        except StatementRefused:
            logger.exception("a job failed")
        await asyncio.sleep(interval)


async def _run_sealing(sealer: Sealer, measures: Jobs, interval: float) -> None:
    while True:
        try:
            with measures.round("seal") as job:
                report = await sealer.seal(_SEALED_AT_ONCE)
                job.note(report)
        except DatabaseUnavailable as error:
            logger.warning("sealing waits for PostgreSQL: %s", str(error).strip())
        except Exception:  # whatever it is, the sessions to come are sealed
            logger.exception("sealing stumbled")
        else:
            if report.sessions:
                logger.info(
                    "sealed %s sessions: %s bytes of JSON in %s",
                    report.sessions,
                    report.size_bytes,
                    report.stored_bytes,
                )
                continue
        await asyncio.sleep(interval)


async def end_idle_sessions(store: Store, cache: Cache, idle_timeout: float) -> int:
    """End the sessions without activity for `idle_timeout` seconds, tell their viewers, and return
    how many.
    """
    ended = await store.end_idle_sessions(idle_timeout)
    for session_id, batch_count in ended:
        cache.announce_end(session_id, batch_count)
    return len(ended)
