"""`spectraview apps`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from spectraview.cli.servers import (
    data_dir_option,
    database_of,
    migrate_database,
    ttl_hours_option,
    with_database,
)
from spectraview.storage.audit import AuditLog
from spectraview.storage.database import Database
from spectraview.storage.retention import RetentionStore

_Result = TypeVar("_Result")
_LONGEST_NAME = 50


@click.group()
def apps() -> None:
    """Apps: how long their sessions are kept."""


@apps.command("set")
@click.argument("app_id")
@ttl_hours_option
@data_dir_option
def set_app(app_id: str, ttl_hours: int | None, data_dir: Path | None) -> None:
    """Set how long the sessions of an app live that are made from now on.

    Without --ttl-hours the app has the default again.
    """
    if not 0 < len(app_id) <= _LONGEST_NAME:
        raise click.ClickException(f"An app's name has 1 to {_LONGEST_NAME} characters.")
    _on_apps(data_dir, lambda database: _set(database, app_id, ttl_hours))
    click.echo(f"{app_id}: " + (f"{ttl_hours} hours" if ttl_hours else "default life"))


async def _set(database: Database, app_id: str, ttl_hours: int | None) -> None:
    store = RetentionStore(database)
    if ttl_hours is None:
        await store.clear_app_ttl(app_id)
    else:
        await store.set_app_ttl(app_id, ttl_hours)
    await AuditLog(database).note("set_app", app_id=app_id)


@apps.command("list")
@data_dir_option
def list_apps(data_dir: Path | None) -> None:
    """List the apps of which something is set."""
    for app in _on_apps(data_dir, lambda database: RetentionStore(database).list_app_settings()):
        click.echo(f"{app.app_id}\t{app.ttl_hours} hours")


def _on_apps(data_dir: Path | None, act: Callable[[Database], Awaitable[_Result]]) -> _Result:
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        return with_database(database_url, act)
