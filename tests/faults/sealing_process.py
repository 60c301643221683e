"""A process that seals, and is killed at it: by itself, while a statement of its choice runs."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping

from spectraview.storage.database import Database, Row
from tests.lifecycle.sealed import Sealed


class DeadlyDatabase(Database):
    """Kills the process some seconds after the n-th statement has begun."""

    def __init__(self, url: str, statements: int, seconds: float) -> None:
        super().__init__(url, connections=1, timeout=10)
        self._left = statements
        self._seconds = seconds

    async def _fetch(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row]:
        """Run a statement, and maybe no other."""
        self._left -= 1
        if self._left == 0:
            delay = self._seconds
            asyncio.get_running_loop().call_later(delay, os.kill, os.getpid(), signal.SIGKILL)
        return await super()._fetch(query, parameters, within)


async def main(database_url: str, statements: str, seconds: str) -> None:
    """Seal all there is, or less."""
    async with DeadlyDatabase(database_url, int(statements), float(seconds)) as database:
        await Sealed(database).sealer(lease=0).seal(1000)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
