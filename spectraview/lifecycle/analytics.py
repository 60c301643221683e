"""Keeps the analytics fresh: one process of all refreshes them, once in an interval."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.observability.jobs import Jobs
from spectraview.storage.analytics import AnalyticsStore
from spectraview.storage.database import DatabaseUnavailable, StatementRefused

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 60.0


@asynccontextmanager
async def refreshing_analytics(
    store: AnalyticsStore, interval: float, measures: Jobs
) -> AsyncIterator[None]:
    """Refresh the analytics every `interval` seconds while the context lasts."""
    task = asyncio.create_task(_refresh(store, interval, measures), name="refresh-analytics")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _refresh(store: AnalyticsStore, interval: float, measures: Jobs) -> None:
    while True:
        pause = interval
        try:
            with measures.round("analytics"):
                if await store.refresh(interval):
                    logger.debug("analytics refreshed")
        except (DatabaseUnavailable, StatementRefused) as error:
            logger.warning("analytics are not refreshed: %s", str(error).strip())
            pause = min(interval, _RETRY_SECONDS)
        await asyncio.sleep(pause)
