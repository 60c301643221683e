"""The stage on which faults play: two processes, their servers, and a proxy on each way between."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from redis.asyncio import Redis

from spectraview.embedded import EmbeddedServers
from tests.faults.proxy import FaultProxy
from tests.faults.service import Service

NODES = 2
CONNECTIONS = 4
COMMIT_SECONDS = 4.0
_SETTINGS = {
    "SPECTRAVIEW_DATABASE_CONNECTIONS": str(CONNECTIONS),
    "SPECTRAVIEW_COMMIT_TIMEOUT": str(COMMIT_SECONDS),
    # Small, so that viewers fall behind the ring and read pages.
    "SPECTRAVIEW_RING_BYTES": "100000",
    "SPECTRAVIEW_VIEWER_BUFFER": "65536",
    "SPECTRAVIEW_VIEWER_LAG": "150000",
    "SPECTRAVIEW_STALL_TIMEOUT": "8",
    # At once, so that batches are sealed while they are watched and late ones come.
    "SPECTRAVIEW_SEAL_AFTER": "0",
    "SPECTRAVIEW_JOB_INTERVAL": "0.5",
}
_IDLE_SECONDS = 1.5
_REVIVE_SECONDS = 0.2
_VIEWER_BYTES = 65_536


class Node:
    """One process, and the proxies between it and all others; each is a line that can be bad."""

    def __init__(self, service: Service, database: FaultProxy, cache: FaultProxy) -> None:
        self.service = service
        self.idle_tasks: Counter[str] = Counter()
        self.idle_sockets = 0
        """The tasks and sockets that the process has when nothing is asked of it."""
        self.lines = {
            "database": database,
            "cache": cache,
            "publishers": FaultProxy(service.port),
            "viewers": FaultProxy(service.port, buffer_bytes=_VIEWER_BYTES),
        }

    def url(self, line: str) -> str:
        """Return where publishers or viewers find the process."""
        return f"http://127.0.0.1:{self.lines[line].port}"

    async def heal(self) -> None:
        """Mend all lines."""
        for line in self.lines.values():
            await line.heal()


class Stage:
    """Everything that runs; use as an async context manager, in the main thread."""

    def __init__(self) -> None:
        self.nodes: Sequence[Node] = ()
        self.keys: Mapping[str, str] = {}
        self.database_url = ""
        self._redis_url = ""
        self._folder = Path(
            tempfile.mkdtemp(prefix="spectraview-faults-", dir=tempfile.gettempdir())
        )
        self._servers = EmbeddedServers(self._folder / "servers")
        self._opened = AsyncExitStack()

    @property
    def logs(self) -> Sequence[Path]:
        """Return the logs of the processes."""
        return [node.service.log for node in self.nodes if node.service.log]

    async def __aenter__(self) -> Self:
        self._folder.chmod(0o755)
        async with AsyncExitStack() as opening:
            opening.callback(shutil.rmtree, self._folder, ignore_errors=True)
            addresses = opening.enter_context(self._servers)
            self.database_url, self._redis_url = addresses.database_url, addresses.redis_url
            self.nodes = [await self._open_node(opening, number) for number in range(NODES)]
            self.keys = self.nodes[0].service.keys
            reviving = asyncio.create_task(self._revive(), name="revive")
            opening.push_async_callback(_cancel, reviving)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    def copy_logs(self, folder: Path) -> None:
        """Leave the logs of the processes and of PostgreSQL in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in (*self.logs, self._folder / "servers/postgres.log"):
            shutil.copy(log, folder)

    async def heal(self) -> None:
        """Mend all lines."""
        for node in self.nodes:
            await node.heal()

    def signal_postgresql(self, number: signal.Signals) -> None:
        """Send PostgreSQL a signal; when it ends, it is started again."""
        lines = (self._folder / "servers/pgdata/postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), number)

    def signal_valkey(self, number: signal.Signals) -> None:
        """Send Valkey a signal; when it ends, it is started again."""
        os.kill(int((self._folder / "servers/valkey/valkey.pid").read_text()), number)

    async def sql(self, statement: str) -> list[Any]:
        """Run a statement past the proxies."""
        return await asyncio.to_thread(_run_sql, self.database_url, statement)

    async def redis(self, *command: object) -> Any:
        """Run a command past the proxies."""
        async with Redis.from_url(self._redis_url) as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]

    async def _open_node(self, opening: AsyncExitStack, number: int) -> Node:
        database = await opening.enter_async_context(FaultProxy(_port_of(self.database_url)))
        cache = await opening.enter_async_context(FaultProxy(_port_of(self._redis_url)))
        settings = {
            **_SETTINGS,
            "DATABASE_URL": _with_port(self.database_url, database.port),
            "REDIS_URL": _with_port(self._redis_url, cache.port),
        }
        service = Service(
            self._folder,
            settings,
            log=self._folder / f"process-{number}.log",
            tasks_file=self._folder / f"tasks-{number}",
        )
        node = Node(service, database, cache)
        for line in ("publishers", "viewers"):
            await opening.enter_async_context(node.lines[line])
        await service.start()
        opening.push_async_callback(service.stop)
        await asyncio.sleep(_IDLE_SECONDS)
        node.idle_tasks, node.idle_sockets = await service.tasks(), service.sockets()
        return node

    async def _revive(self) -> None:
        """Start again what a fault has ended."""
        while True:
            await asyncio.sleep(_REVIVE_SECONDS)
            await asyncio.to_thread(self._servers.revive)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _run_sql(url: str, statement: str) -> list[Any]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, "the servers' addresses name their ports"
    return port


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit(":", 1)[0] + f":{port}"))
