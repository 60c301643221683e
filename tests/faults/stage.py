"""The stage on which faults play: two processes, their servers, and a proxy on each way between."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tests.faults.proxy import FaultProxy
from tests.faults.servers import Servers
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
        self._folder = Path(
            tempfile.mkdtemp(prefix="spectraview-faults-", dir=tempfile.gettempdir())
        )
        self.servers = Servers(self._folder / "servers")
        self._opened = AsyncExitStack()

    @property
    def logs(self) -> Sequence[Path]:
        """Return the logs of the processes."""
        return [node.service.log for node in self.nodes if node.service.log]

    async def __aenter__(self) -> Self:
        self._folder.chmod(0o755)
        async with AsyncExitStack() as opening:
            opening.callback(shutil.rmtree, self._folder, ignore_errors=True)
            await opening.enter_async_context(self.servers)
            self.nodes = [await self._open_node(opening, number) for number in range(NODES)]
            self.keys = self.nodes[0].service.keys
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
        for log in (*self.logs, self.servers.log):
            shutil.copy(log, folder)

    async def heal(self) -> None:
        """Mend all lines."""
        for node in self.nodes:
            await node.heal()

    async def _open_node(self, opening: AsyncExitStack, number: int) -> Node:
        database = await opening.enter_async_context(
            FaultProxy(_port_of(self.servers.database_url))
        )
        cache = await opening.enter_async_context(FaultProxy(_port_of(self.servers.redis_url)))
        settings = {
            **_SETTINGS,
            "DATABASE_URL": _with_port(self.servers.database_url, database.port),
            "REDIS_URL": _with_port(self.servers.redis_url, cache.port),
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


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, "the servers' addresses name their ports"
    return port


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit(":", 1)[0] + f":{port}"))
