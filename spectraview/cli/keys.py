"""`spectraview keys`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from spectraview.access.api_keys import SCOPES, ApiKey, ApiKeys, new_key_text
from spectraview.cli.servers import (
    data_dir_option,
    database_of,
    migrate_database,
    ttl_hours_option,
    with_api_keys,
)
from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES

_Result = TypeVar("_Result")


@click.group()
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
@ttl_hours_option
@click.option(
    "--scrub",
    type=click.Choice(SCRUB_RULES),
    multiple=True,
    help="What is masked before it is stored; nothing if not given.",
)
@data_dir_option
def create(
    name: str,
    scopes: tuple[str, ...],
    app_id: str | None,
    origins: tuple[str, ...],
    ttl_hours: int | None,
    scrub: tuple[str, ...],
    data_dir: Path | None,
) -> None:
    """Create an API key and print it: only its hash is kept."""
    text = new_key_text(scopes)

    async def store(api_keys: ApiKeys) -> None:
        await api_keys.create(
            name, text, scopes, app_id=app_id, origins=origins, ttl_hours=ttl_hours, scrub=scrub
        )

    _on_keys(data_dir, store)
    click.echo(text)


@keys.command("list")
@data_dir_option
def list_keys(data_dir: Path | None) -> None:
    """List the API keys."""
    found = _on_keys(data_dir, lambda api_keys: api_keys.list_keys())
    for key in found:
        click.echo(_key_line(key))


@keys.command()
@click.argument("key_id", type=int)
@data_dir_option
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
    life = f"{key.ttl_hours} hours" if key.ttl_hours else "default life"
    scrubs = ",".join(rule for rule in SCRUB_RULES if rule in key.scrub)
    scrubbed = f"scrubs {scrubs}" if scrubs else "scrubs nothing"
    return "\t".join((str(key.key_id), key.name, scopes, app, origins, life, state, scrubbed))


def _on_keys(data_dir: Path | None, act: Callable[[ApiKeys], Awaitable[_Result]]) -> _Result:
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        return with_api_keys(database_url, act)
