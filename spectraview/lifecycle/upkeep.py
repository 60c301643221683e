"""Background jobs that only one process of a cluster does at a time, each at its own interval."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from spectraview.observability.jobs import Jobs
from spectraview.storage.database import DatabaseUnavailable, StatementRefused
from spectraview.storage.exclusive import exclusive
from spectraview.storage.objects import ObjectsUnavailable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every `interval` seconds, under the lock of this name."""

    name: str
    lock: str
    interval: float
    run: Callable[[], Awaitable[object]]


@asynccontextmanager
async def running_upkeep(
    database_url: str, jobs: Sequence[Job], measures: Jobs
) -> AsyncIterator[None]:
    """Run the jobs while the context lasts, first at once."""
    tasks = [
        asyncio.create_task(_repeat(database_url, job, measures), name=f"upkeep-{job.lock}")
        for job in jobs
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(database_url: str, job: Job, measures: Jobs) -> None:
    while True:
        try:
            async with exclusive(database_url, job.lock) as alone:
                if alone:
                    with measures.round(job.name) as round_:
                        round_.note(await job.run())
        except ObjectsUnavailable as error:
            logger.warning("%s waits: %s", job.lock, error)
        except DatabaseUnavailable as error:
            logger.warning("%s waits for PostgreSQL: %s", job.lock, str(error).strip())
        except StatementRefused:
            logger.exception("%s failed", job.lock)
        await asyncio.sleep(job.interval)
