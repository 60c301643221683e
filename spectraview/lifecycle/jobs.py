"""Background jobs of every process; each is safe to run in several processes at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.lifecycle.deletion import Eraser
from spectraview.storage.cache import Cache
from spectraview.storage.database import DatabaseUnavailable, StatementRefused
from spectraview.storage.store import Store

logger = logging.getLogger(__name__)

_PARTITION_DAYS = 3


@asynccontextmanager
async def running_jobs(
    store: Store, cache: Cache, eraser: Eraser, *, interval: float, idle_timeout: float
) -> AsyncIterator[None]:
    """Run the jobs every `interval` seconds while the context lasts."""
    jobs = _run_jobs(store, cache, eraser, interval, idle_timeout)
    task = asyncio.create_task(jobs, name="jobs")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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


async def end_idle_sessions(store: Store, cache: Cache, idle_timeout: float) -> int:
    """End the sessions without activity for `idle_timeout` seconds, tell their viewers, and return
    how many.
    """
    ended = await store.end_idle_sessions(idle_timeout)
    for session_id, batch_count in ended:
        cache.announce_end(session_id, batch_count)
    return len(ended)
