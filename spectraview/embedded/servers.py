"""Both servers together, as the command line starts, stops and finds them."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from spectraview.embedded.account import server_account
from spectraview.embedded.directory import locked_data_dir, prepare_data_dir
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.postgresql import PostgreSQL, database_url, running_database_url
from spectraview.embedded.process import ServerProcess
from spectraview.embedded.valkey import Valkey, cache_url, running_cache_url


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where the servers answer, empty for one that does not run; both carry a password."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


class EmbeddedServers:
    """A PostgreSQL and a Valkey of our own, with all they keep in one data folder.

    Start them in the main thread: only then do they end with this process however it ends.
    """

    def __init__(
        self,
        data_dir: Path,
        database_settings: Mapping[str, str] | None = None,
        *,
        database: bool = True,
        cache: bool = True,
    ) -> None:
        self._data_dir = data_dir
        self._wants_database = database
        self._wants_cache = cache
        self._database_settings = database_settings or {}
        self._running = ExitStack()
        self._processes: list[ServerProcess] = []
        self._lock = threading.Lock()

    def start(self) -> ServerAddresses:
        """Start both servers; when this raises EmbeddedError, neither is left running."""
        try:
            with ExitStack() as starting:
                addresses = self._start(starting)
                self._running = starting.pop_all()
        except OSError as error:
            raise EmbeddedError(
                f"The servers cannot work in the data folder {self._data_dir}: {error}."
            ) from error
        return addresses

    def stop(self) -> None:
        """Stop both servers; does nothing when they are not running."""
        with self._lock:
            self._processes = []
            self._running.close()

    def revive(self) -> list[str]:
        """Start again, at its address, what has ended by itself; return the names.

        Raises EmbeddedError when one does not start. May be called in any thread.
        """
        with self._lock:
            return [process.name for process in self._processes if process.revive()]

    def __enter__(self) -> ServerAddresses:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, starting: ExitStack) -> ServerAddresses:
        account = server_account()
        folder = prepare_data_dir(self._data_dir, account)
        starting.enter_context(locked_data_dir(folder))
        if self._wants_database:
            postgresql = PostgreSQL(folder, account, self._database_settings)
            self._keep(postgresql.start(), starting)
        if self._wants_cache:
            self._keep(Valkey(folder, account).start(), starting)
        return ServerAddresses(
            database_url(folder) if self._wants_database else "",
            cache_url(folder) if self._wants_cache else "",
        )

    def _keep(self, process: ServerProcess, starting: ExitStack) -> None:
        starting.callback(process.stop)
        self._processes.append(process)


def running_addresses(data_dir: Path) -> ServerAddresses | None:
    """Return the addresses of the servers that some process runs in the data folder, if any.

    None also means that they are not ours to use: their passwords cannot be read.
    """
    folder = data_dir.resolve()
    addresses = ServerAddresses(running_database_url(folder) or "", running_cache_url(folder) or "")
    return addresses if addresses.database_url or addresses.redis_url else None
