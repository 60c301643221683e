"""PostgreSQL and Valkey as faults meet them: they can be made to end, and come back."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2
from redis.asyncio import Redis

from spectraview.embedded import EmbeddedServers

_REVIVE_SECONDS = 0.2


class Servers:
    """Both servers in one folder; use as an async context manager, in the main thread."""

    def __init__(self, folder: Path) -> None:
        self.database_url = ""
        self.redis_url = ""
        self._folder = folder
        self._servers = EmbeddedServers(folder)
        self._reviving: asyncio.Task[None] | None = None
        self._left = asyncio.Lock()
        """Held while what has ended is left alone."""

    @property
    def log(self) -> Path:
        """Return PostgreSQL's log."""
        return self._folder / "postgres.log"

    async def __aenter__(self) -> Self:
        addresses = self._servers.start()
        self.database_url, self.redis_url = addresses.database_url, addresses.redis_url
        self._reviving = asyncio.create_task(self._revive(), name="revive")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reviving is not None:
            self._reviving.cancel()
            with suppress(asyncio.CancelledError):
                await self._reviving
        await asyncio.to_thread(self._servers.stop)

    def signal_postgresql(self, number: signal.Signals) -> None:
        """Send PostgreSQL a signal; when it ends, it is started again."""
        lines = (self._folder / "pgdata/postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), number)

    def signal_valkey(self, number: signal.Signals) -> None:
        """Send Valkey a signal; when it ends, it is started again."""
        os.kill(int((self._folder / "valkey/valkey.pid").read_text()), number)

    async def leave(self, seconds: float) -> None:
        """Start nothing again for so long."""
        async with self._left:
            await asyncio.sleep(seconds)

    async def sql(self, statement: str) -> list[Any]:
        """Run a statement past all proxies."""
        return await asyncio.to_thread(_run_sql, self.database_url, statement)

    async def redis(self, *command: object) -> Any:
        """Run a command past all proxies."""
        async with Redis.from_url(self.redis_url) as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]

    async def _revive(self) -> None:
        """Start again what a fault has ended."""
        while True:
            await asyncio.sleep(_REVIVE_SECONDS)
            async with self._left:
                await asyncio.to_thread(self._servers.revive)


def _run_sql(url: str, statement: str) -> list[Any]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
