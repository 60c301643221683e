"""What the commands work on: the configuration, and the servers, ours or others'."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import click
import msgspec
import psycopg2

from spectraview.access.api_keys import ApiKeys
from spectraview.config import Config, ConfigError, config_from_environment
from spectraview.embedded import (
    EmbeddedError,
    EmbeddedServers,
    ServerAddresses,
    default_data_dir,
    running_addresses,
)
from spectraview.errors import ApiError
from spectraview.observability.log_context import AddContext, json_formatter
from spectraview.serving.log_lines import LineFormatter
from spectraview.storage.database import Database, DatabaseUnavailable
from spectraview.storage.migrate import migrate
from spectraview.storage.objects import Objects, open_objects

logger = logging.getLogger(__name__)

_REVIVE_INTERVAL = 0.5
_STATEMENT_TIMEOUT = 15.0
_Result = TypeVar("_Result")

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=None,
    help="Where keys.json and the embedded servers' data are kept.",
)


ttl_hours_option = click.option(
    "--ttl-hours",
    type=click.IntRange(1, 876_000),
    default=None,
    help="Hours until the sessions expire, unless they say so themselves.",
)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def refusals_shown() -> Iterator[None]:
    """Tell what the API would refuse, by its message."""
    try:
        yield
    except ApiError as error:
        place = f" ({error.where})" if error.where else ""
        raise click.ClickException(f"{error}{place}.") from error


def read_config() -> Config:
    """Return the settings of the environment."""
    try:
        return config_from_environment(os.environ)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def archive_of(config: Config) -> Objects | None:
    """Return the object store of the archive, which need not answer now; None when there is none
    to be.
    """
    try:
        return open_objects(config.archive_url)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def start_logging(config: Config) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.addFilter(AddContext())
    if config.log_format == "json":
        handler.setFormatter(json_formatter())
    else:
        handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=config.log_level, handlers=[handler])


def migrate_database(database_url: str) -> list[str]:
    """Bring a database to the current schema; return the names of the migrations applied."""
    try:
        return migrate(database_url)
    except psycopg2.OperationalError as error:
        raise click.ClickException(f"The database can't be reached: {error}".strip()) from error
    except psycopg2.errors.InsufficientPrivilege as error:
        raise click.ClickException(
            f"The database's account may not make tables: {str(error).strip()}."
        ) from error


def with_api_keys(database_url: str, act: Callable[[ApiKeys], Awaitable[_Result]]) -> _Result:
    """Return what `act` does with the API keys of a database."""
    return with_database(database_url, lambda database: act(ApiKeys(database, time.monotonic)))


def with_database(database_url: str, act: Callable[[Database], Awaitable[_Result]]) -> _Result:
    """Return what `act` does with a database."""

    async def run() -> _Result:
        async with Database(database_url, connections=2, timeout=_STATEMENT_TIMEOUT) as database:
            return await act(database)

    with database_reached():
        return asyncio.run(run())


@contextmanager
def database_reached() -> Iterator[None]:
    """Tell that the database can't be reached, in a sentence."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise click.ClickException(f"The database can't be reached: {error}".strip()) from error


@contextmanager
def servers_of(config: Config, data_dir: Path) -> Iterator[tuple[Config, EmbeddedServers]]:
    """Yield the configuration with both addresses, and the embedded servers behind them."""
    servers = EmbeddedServers(
        data_dir, database=not config.database_url, cache=not config.redis_url
    )
    if config.database_url and config.redis_url:
        yield config, servers
        return
    try:
        with servers as started:
            yield _with_addresses(config, started), servers
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from error


def data_dir_of(data_dir: Path | None) -> Path:
    """Return the data folder that is named, or that of who runs us."""
    try:
        return data_dir or default_data_dir()
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def database_of(data_dir: Path | None) -> Iterator[str]:
    """Yield the address of the migrated database, embedded ones started unless they run already."""
    config, folder = read_config(), data_dir_of(data_dir)
    running = None if config.database_url else running_addresses(folder)
    if running is not None and running.database_url:
        config = _with_addresses(config, running)
    with servers_of(msgspec.structs.replace(config, redis_url="unused"), folder) as (ready, _):
        yield ready.database_direct_url or ready.database_url


@asynccontextmanager
async def reviving(servers: EmbeddedServers) -> AsyncIterator[None]:
    """Start embedded servers again that end by themselves, while the context lasts."""
    task = asyncio.create_task(_revive(servers), name="revive-servers")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _revive(servers: EmbeddedServers) -> None:
    while True:
        await asyncio.sleep(_REVIVE_INTERVAL)
        try:
            for name in await asyncio.to_thread(servers.revive):
                logger.warning("%s had ended by itself and runs again", name)
        except EmbeddedError as error:
            logger.error("%s", error)


def _with_addresses(config: Config, addresses: ServerAddresses) -> Config:
    return msgspec.structs.replace(
        config,
        database_url=config.database_url or addresses.database_url,
        redis_url=config.redis_url or addresses.redis_url,
    )
