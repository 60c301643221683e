"""Work that only one process of a cluster does at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.storage import queries
from spectraview.storage.database import Database

_TIMEOUT = 15.0
_PAUSE = 0.2


@asynccontextmanager
async def exclusive(database_url: str, name: str, *, patience: float = 0) -> AsyncIterator[bool]:
    """Hold the lock of this name while the context lasts; yields False when another process still
    has it after `patience` seconds.

    An advisory lock on a connection of its own: it goes with the process however that ends.
    Raises DatabaseUnavailable.
    """
    async with Database(database_url, connections=1, timeout=_TIMEOUT) as database:
        until = asyncio.get_running_loop().time() + patience
        while not (taken := await _try_lock(database, name)):
            if asyncio.get_running_loop().time() >= until:
                break
            await asyncio.sleep(_PAUSE)
        yield taken


async def _try_lock(database: Database, name: str) -> bool:
    row = await database.fetch_one(queries.TRY_ADVISORY_LOCK, {"name": name})
    return bool(row and row[0])
