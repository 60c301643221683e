"""`spectraview serve`."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from spectraview import __version__
from spectraview.access.key_file import KeyFileError, load_or_create_keys, make_demo_key
from spectraview.app import create_app
from spectraview.cli.running import (
    StopRequest,
    handled_signals,
    run_application,
    stopped_by_signals,
)
from spectraview.cli.servers import (
    archive_of,
    data_dir_of,
    data_dir_option,
    database_reached,
    migrate_database,
    read_config,
    reviving,
    servers_of,
    start_logging,
    with_api_keys,
)
from spectraview.cli.start_checks import check_servers, warn_of_settings
from spectraview.cli.workers import WorkerFailed, Workers
from spectraview.config import DEMO_AUTO, DEMO_OFF, Config
from spectraview.embedded import EmbeddedServers

logger = logging.getLogger(__name__)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=3001,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes that serve; else SPECTRAVIEW_WORKERS, else 1.",
)
@data_dir_option
def serve(host: str, port: int, workers: int | None, data_dir: Path | None) -> None:
    """Serve; starts PostgreSQL and Valkey too where DATABASE_URL or REDIS_URL is not set."""
    config = read_config()
    config = msgspec.structs.replace(config, workers=workers or config.workers)
    start_logging(config)
    archive_of(config)
    warn_of_settings(config)
    folder = data_dir_of(data_dir)
    with (
        _stopped_by_signals(),
        _listening(host, port) as listener,
        servers_of(config, folder) as (ready, servers),
    ):
        check_servers(ready, folder)
        migrate_database(ready.database_direct_url or ready.database_url)
        keys = _keys(ready, folder)
        ready = _with_demo(ready, config, listener, keys)
        demo = ready.demo_key != DEMO_OFF
        with suppress(asyncio.CancelledError), database_reached():
            asyncio.run(
                _serve(listener, ready, servers, lambda: _announce(listener, folder, keys, demo))
            )


def _keys(config: Config, folder: Path) -> dict[str, str]:
    try:
        return with_api_keys(
            config.database_url, lambda api_keys: load_or_create_keys(api_keys, folder)
        )
    except KeyFileError as error:
        raise click.ClickException(str(error)) from error


def _with_demo(
    ready: Config, given: Config, listener: socket.socket, keys: Mapping[str, str]
) -> Config:
    """Give the demo a key of its own where nobody but this machine can use it."""
    if ready.demo_key != DEMO_AUTO:
        return ready
    key = None
    if not given.database_url and ip_address(listener.getsockname()[0]).is_loopback:
        key = with_api_keys(ready.database_url, lambda api_keys: make_demo_key(api_keys, keys))
    return msgspec.structs.replace(ready, demo_key=key or DEMO_OFF)


async def _serve(
    listener: socket.socket,
    config: Config,
    servers: EmbeddedServers,
    announce: Callable[[], None],
) -> None:
    """Serve until a signal comes: in this process, or in workers."""
    stop = StopRequest()
    with stopped_by_signals(stop):
        async with reviving(servers):
            if config.workers == 1:
                await run_application(create_app(config), listener, config, stop, announce)
            else:
                await _serve_with_workers(listener, config, stop, announce)


async def _serve_with_workers(
    listener: socket.socket, config: Config, stop: StopRequest, announce: Callable[[], None]
) -> None:
    try:
        async with _sharing_metrics(config) as shared, Workers(listener, shared) as workers:
            with handled_signals({signal.SIGHUP: workers.renew}):
                announce()
                await stop.wait()
                listener.close()  # the workers hold it; once they let go, clients are refused
    except WorkerFailed as error:
        raise click.ClickException(f"{error}.") from error


@asynccontextmanager
async def _sharing_metrics(config: Config) -> AsyncIterator[Config]:
    """Give the workers a folder for what they tell each other of their metrics."""
    if config.metrics_folder:
        yield config
        return
    with TemporaryDirectory(prefix="spectraview-metrics-") as folder:
        yield msgspec.structs.replace(config, metrics_folder=folder)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket bound to the address, taken before anything is started."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        # create_server's own text repeats itself; a name that is not found has no errno of the
        # system.
        own_text = isinstance(error, socket.gaierror) or error.errno is None
        reason = error.strerror if own_text else os.strerror(error.errno or 0)
        raise click.ClickException(f"Cannot listen on {host}:{port}: {reason}.") from error
    with listener:
        yield listener


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Make SIGTERM end the program in order while it starts; once it serves, aiohttp does that."""

    def stop(_signal: int, _frame: object) -> None:
        sys.exit(0)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _announce(listener: socket.socket, data_dir: Path, keys: Mapping[str, str], demo: bool) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{'localhost' if host in ('0.0.0.0', '::', '127.0.0.1') else host}:{port}"
    click.echo(
        f"SpectraView {__version__} serves {address} (health: {address}/health)\n"
        + (f"  a shop that records itself: {address}/demo\n" if demo else "")
        + "".join(f"  {scope} key: {text}\n" for scope, text in keys.items())
        + f"  kept in {data_dir / 'keys.json'}; Ctrl-C stops everything"
    )
    sys.stdout.flush()
