"""What docker-compose.yml runs, without Docker: three processes behind nginx, and their stores."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.deploy.compose import APIS, read_compose
from tests.deploy.nginx import Nginx
from tests.faults.servers import Servers
from tests.faults.service import Service
from tests.lifecycle.object_stores import ObjectStoreServer, seaweedfs

_OWN_ADDRESSES = ("DATABASE_URL", "REDIS_URL", "ARCHIVE_URL", "ARCHIVE_AFTER")
_SETTINGS = {
    # At once, so that the object store is part of all that happens.
    "ARCHIVE_AFTER": "0",
    "SPECTRAVIEW_SEAL_AFTER": "0",
    "SPECTRAVIEW_JOB_INTERVAL": "1",
}


class Topology:
    """Everything that runs; use as an async context manager, in the main thread."""

    def __init__(self) -> None:
        self.processes: Sequence[Service] = ()
        self.keys: Mapping[str, str] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="spectraview-topology-", dir="/tmp"))
        self.servers = Servers(self.folder / "servers")
        self._nginx: Nginx | None = None
        self._objects: ObjectStoreServer | None = None
        self._opened = AsyncExitStack()

    @property
    def nginx(self) -> Nginx:
        """Return what stands in front; there is nothing else that clients know."""
        assert self._nginx is not None, "the topology runs"
        return self._nginx

    @property
    def objects(self) -> ObjectStoreServer:
        """Return the archive."""
        assert self._objects is not None, "the topology runs"
        return self._objects

    @property
    def logs(self) -> Sequence[Path]:
        """Return the logs of the processes."""
        return [process.log for process in self.processes if process.log]

    async def __aenter__(self) -> Self:
        self.folder.chmod(0o755)
        async with AsyncExitStack() as opening:
            opening.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stores = opening.enter_context(ExitStack())
            starting = asyncio.to_thread(stores.enter_context, seaweedfs())
            await opening.enter_async_context(self.servers)
            self._objects = await starting
            self.processes = [self._process(name) for name in APIS]
            for process in self.processes:
                opening.push_async_callback(process.stop)
            await self.processes[0].start()  # it makes the schema and keys.json
            await asyncio.gather(*(process.start() for process in self.processes[1:]))
            self.keys = self.processes[0].keys
            ports = [process.port for process in self.processes]
            self._nginx = Nginx(self.folder / "nginx", ports)
            opening.push_async_callback(self._nginx.stop)
            await self._nginx.start()
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
        """Leave all logs in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in (*self.logs, self.servers.log, self.nginx.access_log, self.nginx.error_log):
            shutil.copy(log, folder)

    def _process(self, name: str) -> Service:
        """Return a process with the settings that docker-compose.yml gives it."""
        deployed = read_compose()["services"][name]["environment"]
        settings = {k: v for k, v in deployed.items() if k not in _OWN_ADDRESSES}
        own = {
            "DATABASE_URL": self.servers.database_url,
            "REDIS_URL": self.servers.redis_url,
            "ARCHIVE_URL": self.objects.url,
            **self.objects.environment,
        }
        log = self.folder / f"{name}.log"
        return Service(self.folder, settings | own | _SETTINGS, log=log)
