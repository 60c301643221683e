"""Both servers together, as the command line starts, stops and finds them."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from spectraview.embedded.account import server_account
from spectraview.embedded.directory import locked_data_dir, prepare_data_dir
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.postgresql import PostgreSQL, database_url, running_database_url
from spectraview.embedded.valkey import Valkey, cache_url, running_cache_url


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where the servers answer; both addresses carry a password."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


class EmbeddedServers:
    """A PostgreSQL and a Valkey of our own, with all they keep in one data folder.

    Start them in the main thread: only then do they end with this process however it ends.
    """

    def __init__(self, data_dir: Path, database_settings: Mapping[str, str] | None = None) -> None:
        self._data_dir = data_dir
        self._database_settings = database_settings or {}
        self._running = ExitStack()

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
        self._running.close()

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
        postgresql = PostgreSQL(folder, account, self._database_settings)
        starting.callback(postgresql.start().stop)
        starting.callback(Valkey(folder, account).start().stop)
        return ServerAddresses(database_url(folder), cache_url(folder))


def running_addresses(data_dir: Path) -> ServerAddresses | None:
    """Return the addresses of the servers that some process runs in the data folder, if any.

    None also means that they are not ours to use: their passwords cannot be read.
    """
    folder = data_dir.resolve()
    database, cache = running_database_url(folder), running_cache_url(folder)
    return ServerAddresses(database, cache) if database and cache else None
