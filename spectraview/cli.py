"""The command line: serve, migrate, keys."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
import msgspec
import psycopg2
from aiohttp import web

from spectraview import __version__
from spectraview.access.api_keys import SCOPES, ApiKey, ApiKeys, new_key_text
from spectraview.access.key_file import load_or_create_keys
from spectraview.app import create_app
from spectraview.config import Config, ConfigError, config_from_environment
from spectraview.embedded import (
    EmbeddedError,
    EmbeddedServers,
    ServerAddresses,
    default_data_dir,
    running_addresses,
)
from spectraview.storage.database import Database, DatabaseUnavailable
from spectraview.storage.migrate import migrate as apply_migrations

_Result = TypeVar("_Result")
_ACCESS_LOG_FORMAT = '%a "%m %U" %s %b %Tf'  # not %r: its query may hold a key

_data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=None,
    help="Where keys.json and the embedded servers' data are kept.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """SpectraView: ingest, store, replay and watch web-session recordings."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3001, show_default=True, help="Port to listen on.")
@_data_dir_option
def serve(host: str, port: int, data_dir: Path | None) -> None:
    """Serve; starts PostgreSQL and Valkey too where DATABASE_URL or REDIS_URL is not set."""
    config = _config()
    logging.basicConfig(
        level=config.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    folder = data_dir or default_data_dir()
    with (
        _stopped_by_signals(),
        _listening(host, port) as listener,
        _servers(config, folder) as ready,
    ):
        _migrate(ready.database_url)
        keys = _with_keys(ready, lambda api_keys: load_or_create_keys(api_keys, folder))
        web.run_app(
            create_app(ready),
            sock=listener,
            print=lambda _: _announce(listener, folder, keys),
            shutdown_timeout=config.shutdown_timeout,
            access_log=logging.getLogger("spectraview.access") if config.access_log else None,
            access_log_format=_ACCESS_LOG_FORMAT,
        )


@main.command()
@_data_dir_option
def migrate(data_dir: Path | None) -> None:
    """Bring the database to the current schema."""
    with _servers(_config(), data_dir or default_data_dir()) as ready:
        applied = _migrate(ready.database_url)
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to apply")


@main.group()
def keys() -> None:
    """API keys: create, list, revoke."""


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True)
@click.option(
    "--app", "app_id", default=None, help="The only app it is for; every app if not given."
)
@click.option(
    "--origin", "origins", multiple=True, help="An origin whose pages may use it; all if none."
)
@_data_dir_option
def create(
    name: str,
    scopes: tuple[str, ...],
    app_id: str | None,
    origins: tuple[str, ...],
    data_dir: Path | None,
) -> None:
    """Create an API key and print it: only its hash is kept."""
    text = new_key_text(scopes)

    async def store(api_keys: ApiKeys) -> None:
        await api_keys.create(name, text, scopes, app_id=app_id, origins=origins)

    _on_keys(data_dir, store)
    click.echo(text)


@keys.command("list")
@_data_dir_option
def list_keys(data_dir: Path | None) -> None:
    """List the API keys."""
    found = _on_keys(data_dir, lambda api_keys: api_keys.list_keys())
    for key in found:
        click.echo(_key_line(key))


@keys.command()
@click.argument("key_id", type=int)
@_data_dir_option
def revoke(key_id: int, data_dir: Path | None) -> None:
    """Revoke an API key by its number in the list."""
    if not _on_keys(data_dir, lambda api_keys: api_keys.revoke(key_id)):
        raise click.ClickException(f"There is no unrevoked key {key_id}.")
    click.echo(f"revoked {key_id}; running servers stop taking it within 10 seconds")


def _key_line(key: ApiKey) -> str:
    scopes = ",".join(scope for scope in SCOPES if scope in key.scopes)
    origins = ",".join(sorted(key.origins)) or "every origin"
    state = "revoked" if key.revoked_at else "active"
    app = key.app_id or "every app"
    return "\t".join((str(key.key_id), key.name, scopes, app, origins, state))


def _config() -> Config:
    try:
        return config_from_environment(os.environ)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def _on_keys(data_dir: Path | None, act: Callable[[ApiKeys], Awaitable[_Result]]) -> _Result:
    with _servers(_config(), data_dir or default_data_dir()) as ready:
        _migrate(ready.database_url)
        return _with_keys(ready, act)


def _with_keys(config: Config, act: Callable[[ApiKeys], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        async with Database(config.database_url, connections=2, timeout=10) as database:
            return await act(ApiKeys(database, time.monotonic))

    try:
        return asyncio.run(run())
    except DatabaseUnavailable as error:
        raise click.ClickException(f"The database can't be reached: {error}") from error


def _migrate(database_url: str) -> list[str]:
    try:
        return apply_migrations(database_url)
    except psycopg2.OperationalError as error:
        raise click.ClickException(f"The database can't be reached: {error}".strip()) from error


@contextmanager
def _servers(config: Config, data_dir: Path) -> Iterator[Config]:
    """Yield the configuration with both addresses: the ones given, or those of embedded servers."""
    if config.database_url and config.redis_url:
        yield config
        return
    running = running_addresses(data_dir)
    if running is not None and not _serving():
        yield _with_addresses(config, running)
        return
    try:
        with EmbeddedServers(data_dir) as started:
            yield _with_addresses(config, started)
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from error


def _serving() -> bool:
    """Tell whether this is `serve`, which must own its servers; the other commands may work beside
    it.
    """
    return click.get_current_context().command is serve


def _with_addresses(config: Config, addresses: ServerAddresses) -> Config:
    return msgspec.structs.replace(
        config,
        database_url=config.database_url or addresses.database_url,
        redis_url=config.redis_url or addresses.redis_url,
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


def _announce(listener: socket.socket, data_dir: Path, keys: dict[str, str]) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{'localhost' if host in ('0.0.0.0', '::', '127.0.0.1') else host}:{port}"
    click.echo(
        f"SpectraView {__version__} serves {address} (health: {address}/health)\n"
        + "".join(f"  {scope} key: {text}\n" for scope, text in keys.items())
        + f"  kept in {data_dir / 'keys.json'}; Ctrl-C stops everything"
    )
    sys.stdout.flush()
