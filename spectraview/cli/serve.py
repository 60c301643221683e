"""`spectraview serve`."""

import logging
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from aiohttp import web

from spectraview import __version__
from spectraview.access.key_file import load_or_create_keys
from spectraview.app import create_app
from spectraview.cli.servers import (
    data_dir_option,
    migrate_database,
    read_config,
    reviving,
    servers_of,
    with_api_keys,
)
from spectraview.embedded import default_data_dir

_ACCESS_LOG_FORMAT = '%a "%m %U" %s %b %Tf'  # not %r: its query may hold a key


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3001, show_default=True, help="Port to listen on.")
@data_dir_option
def serve(host: str, port: int, data_dir: Path | None) -> None:
    """Serve; starts PostgreSQL and Valkey too where DATABASE_URL or REDIS_URL is not set."""
    config = read_config()
    logging.basicConfig(
        level=config.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    folder = data_dir or default_data_dir()
    with (
        _stopped_by_signals(),
        _listening(host, port) as listener,
        servers_of(config, folder) as (ready, servers),
    ):
        migrate_database(ready.database_url)
        keys = with_api_keys(
            ready.database_url, lambda api_keys: load_or_create_keys(api_keys, folder)
        )
        app = create_app(ready)
        app.cleanup_ctx.append(reviving(servers))
        web.run_app(
            app,
            sock=listener,
            print=lambda _: _announce(listener, folder, keys),
            shutdown_timeout=config.shutdown_timeout,
            access_log=logging.getLogger("spectraview.access") if config.access_log else None,
            access_log_format=_ACCESS_LOG_FORMAT,
        )


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket bound to the address, taken before anything is started."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        raise click.ClickException(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
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


def _announce(listener: socket.socket, data_dir: Path, keys: Mapping[str, str]) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{'localhost' if host in ('0.0.0.0', '::', '127.0.0.1') else host}:{port}"
    click.echo(
        f"SpectraView {__version__} serves {address} (health: {address}/health)\n"
        + "".join(f"  {scope} key: {text}\n" for scope, text in keys.items())
        + f"  kept in {data_dir / 'keys.json'}; Ctrl-C stops everything"
    )
    sys.stdout.flush()
