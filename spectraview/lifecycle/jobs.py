"""Background jobs of every process; each is safe to run in several processes at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.lifecycle.deletion import Eraser
from spectraview.lifecycle.sealing import Sealer
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
    *,
    interval: float,
    idle_timeout: float,
) -> AsyncIterator[None]:
    """Run the jobs every `interval` seconds while the context lasts."""
    jobs = _run_jobs(store, cache, eraser, interval, idle_timeout)
    tasks = [
        asyncio.create_task(jobs, name="jobs"),
        asyncio.create_task(_run_sealing(sealer, interval), name="sealing"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_jobs(
    store: Store, cache: Cache, eraser: Eraser, interval: float, idle_timeout: float
) -> None:
    while True:
        try:
            await store.create_event_partitions(_PARTITION_DAYS)
            await end_idle_sessions(store, cache, idle_timeout)
            await eraser.finish()
        except DatabaseUnavailable as error:
            logger.warning("the jobs wait for PostgreSQL: %s", str(error).strip())
        except StatementRefused:
            logger.exception("a job failed")
        await asyncio.sleep(interval)


async def _run_sealing(sealer: Sealer, interval: float) -> None:
    while True:
        try:
            report = await sealer.seal(_SEALED_AT_ONCE)
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
