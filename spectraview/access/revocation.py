"""Makes revoked and expired keys stop working at once, in every process: also for sockets that are
open.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from spectraview.access.api_keys import ApiKeys
from spectraview.storage.database import DatabaseUnavailable

logger = logging.getLogger(__name__)

INTERVAL = 1.0


@asynccontextmanager
async def watching_revocations(
    api_keys: ApiKeys, on_revoked: Callable[[Collection[int]], None]
) -> AsyncIterator[None]:
    """Look for newly revoked keys each second; `on_revoked` gets their ids."""
    task = asyncio.create_task(_watch(api_keys, on_revoked), name="revocations")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(api_keys: ApiKeys, on_revoked: Callable[[Collection[int]], None]) -> None:
    while True:
        try:
            if revoked := await api_keys.forget_ended():
                logger.debug("revoked or expired API keys: %s", sorted(revoked))
                on_revoked(revoked)
        except DatabaseUnavailable:
            logger.debug("revocations can't be read while PostgreSQL is away")
        await asyncio.sleep(INTERVAL)
