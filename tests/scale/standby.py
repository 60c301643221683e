"""A streaming standby of a PostgreSQL, on this machine."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg2

from spectraview.embedded.account import server_account
from spectraview.embedded.ports import LOOPBACK, start_on_free_port
from spectraview.embedded.process import ServerProcess, run_program
from spectraview.embedded.programs import POSTGRESQL, client_program, program_path
from spectraview.keys import REPLICA
from spectraview.storage.database import Database
from spectraview.storage.replica import Replica
from tests.api_client import ApiClient
from tests.processes import freeze, thaw

PATIENCE = 20.0


class Standby:
    """It can be held up, stopped, started and promoted."""

    def __init__(self, primary_url: str, folder: Path, *, patience: str = "30s") -> None:
        self._account = server_account()
        self._primary_url = primary_url
        self._folder = folder
        self._patience = patience
        self._data = folder / "standby"
        self._program = program_path(POSTGRESQL, folder, self._account)
        if self._account is not None:
            os.chown(folder, self._account.user_id, self._account.group_id)
        copied = run_program(
            [
                *(self._program.with_name(client_program("pg_basebackup").name), "-R"),
                *("-d", primary_url, "-D", self._data, "-c", "fast", "--no-sync"),
            ],
            self._account,
        )
        assert copied.returncode == 0, copied.stdout
        self.port = 0
        self._process = start_on_free_port(self._start)

    @property
    def url(self) -> str:
        """Return its address."""
        return self._primary_url.replace(f":{urlsplit(self._primary_url).port}/", f":{self.port}/")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it show nothing newer while the context lasts."""
        self._run("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self._run("SELECT pg_wal_replay_resume()")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Halt all its processes while the context lasts: it takes connections and answers none."""
        halted = freeze(self._process.pid)
        try:
            yield
        finally:
            thaw(halted)

    @contextmanager
    def letting_nobody_in(self) -> Iterator[None]:
        """Halt the process that greets while the context lasts: who is connected is answered."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            thaw([self._process.pid])

    def promote(self) -> None:
        """Make it a primary."""
        self._run("SELECT pg_promote()")

    def stop(self) -> None:
        """Stop it."""
        self._process.stop()

    def start(self) -> None:
        """Start it again where it was."""
        self._process = self._start(self.port)

    def _start(self, port: int) -> ServerProcess:
        self.port = port
        settings = {
            "port": str(port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_standby_streaming_delay": self._patience,
        }
        process = ServerProcess(
            "PostgreSQL",
            [self._program, "-D", self._data, *(f"--{k}={v}" for k, v in settings.items())],
            directory=Path("/"),
            log=self._folder / "standby.log",
            account=self._account,
        )
        process.wait_until(self._answers)
        return process

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _run(self, statement: str) -> None:
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()


@asynccontextmanager
async def reading_from(standby: Standby, primary: Database) -> AsyncIterator[Replica]:
    """Read from a standby, however late it is, while the context lasts."""
    reads, lookout = (
        Database(standby.url, connections=connections, timeout=PATIENCE) for connections in (4, 1)
    )
    async with Replica(primary, reads, lookout, time.monotonic, most_lag=600.0) as replica:
        await until_usable(replica)
        yield replica


def replica_of(api: ApiClient) -> Replica:
    """Return what an application knows of its standby."""
    app = api.client.app
    assert app is not None
    return app[REPLICA]


async def until_usable(replica: Replica, *, usable: bool = True) -> None:
    """Return when a standby serves reads, or does so no longer."""
    async with asyncio.timeout(PATIENCE):
        while replica.usable != usable:
            await replica.look()


async def until_it_has(replica: Replica, session_id: UUID, batches: int) -> None:
    """Return when a standby serves reads and has so many batches of a session."""
    async with asyncio.timeout(PATIENCE):
        while not await replica.has(session_id, batches):
            await replica.look()
