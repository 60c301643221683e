"""`spectraview keys`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
import ujson

from spectraview.access.key import SCOPES, ApiKey, new_key_text
from spectraview.access.key_store import KeyStore, KnownKey, settings_of
from spectraview.api.key_bodies import (
    changed_settings,
    member_names,
    parse_key_change,
    parse_new_key,
)
from spectraview.api.present_keys import key_json
from spectraview.cli.key_options import changed_members, key_options, parse_duration
from spectraview.cli.servers import (
    data_dir_option,
    database_of,
    json_option,
    migrate_database,
    refusals_shown,
    with_database,
)
from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES
from spectraview.storage.audit import COMMAND_LINE

_Result = TypeVar("_Result")
_key_id = click.argument("key_id", type=click.IntRange(1, 2_147_483_647))


@click.group()
def keys() -> None:
    """API keys: create, list, show, set, rotate, revoke."""


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True)
@click.option(
    "--app", "app_id", default=None, help="The only app it is for; every app if not given."
)
@key_options
@json_option
@data_dir_option
def create(
    name: str,
    scopes: tuple[str, ...],
    app_id: str | None,
    data_dir: Path | None,
    *,
    as_json: bool,
    **options: object,
) -> None:
    """Create an API key and print it: only its hash is kept."""
    members = {"name": name, "scopes": scopes, "appId": app_id, **changed_members(options)}
    with refusals_shown():
        settings = parse_new_key(_dumps({k: v for k, v in members.items() if v is not None}))
    text = new_key_text(settings.scopes)

    async def store(key_store: KeyStore) -> KnownKey:
        key_id = await key_store.create(text, settings)
        assert key_id is not None, "its text is new"
        return await key_store.get(key_id)

    known = _on_keys(data_dir, store)
    click.echo(_json({"key": text, **key_json(known)}) if as_json else text)


@keys.command("list")
@json_option
@data_dir_option
def list_keys(data_dir: Path | None, *, as_json: bool) -> None:
    """List the API keys."""
    found = _on_keys(data_dir, lambda key_store: key_store.list_keys())
    if as_json:
        click.echo(_json([key_json(known) for known in found]))
        return
    for known in found:
        click.echo(_key_line(known.key))


@keys.command()
@_key_id
@json_option
@data_dir_option
def show(key_id: int, data_dir: Path | None, *, as_json: bool) -> None:
    """Show all that is known of an API key, by its number in the list."""
    _say(_on_keys(data_dir, lambda key_store: key_store.get(key_id)), as_json=as_json)


@keys.command("set")
@_key_id
@click.option("--name", default=None, help="What it is called.")
@key_options
@click.option(
    "--no", "cleared", multiple=True, help="An option without its dashes that holds no longer."
)
@json_option
@data_dir_option
def set_key(
    key_id: int,
    data_dir: Path | None,
    *,
    as_json: bool,
    cleared: tuple[str, ...],
    **options: object,
) -> None:
    """Change what is set of an API key. Running servers know within 10 seconds."""
    with refusals_shown():
        changes = parse_key_change(_dumps(changed_members(options, cleared)))

    async def change(key_store: KeyStore) -> KnownKey:
        settings = changed_settings(settings_of((await key_store.get(key_id)).key), changes)
        await key_store.change(key_id, settings, member_names(changes), COMMAND_LINE)
        return await key_store.get(key_id)

    _say(_on_keys(data_dir, change), as_json=as_json)


@keys.command()
@_key_id
@click.option(
    "--overlap",
    default="24h",
    show_default=True,
    callback=parse_duration,
    help="How long the text goes on that it has now: 30s, 15m, 24h, 7d; 0 ends it at once.",
)
@json_option
@data_dir_option
def rotate(key_id: int, overlap: int, data_dir: Path | None, *, as_json: bool) -> None:
    """Give an API key a new text and print it."""

    async def act(key_store: KeyStore) -> tuple[str, KnownKey]:
        text = new_key_text(settings_of((await key_store.get(key_id)).key).scopes)
        await key_store.rotate(key_id, text, overlap, COMMAND_LINE)
        return text, await key_store.get(key_id)

    text, known = _on_keys(data_dir, act)
    click.echo(_json({"key": text, **key_json(known)}) if as_json else text)


@keys.command()
@_key_id
@click.option("--force", is_flag=True, help="Even if it is the last that may do everything.")
@data_dir_option
def revoke(key_id: int, data_dir: Path | None, *, force: bool) -> None:
    """Revoke an API key by its number in the list."""
    if not _on_keys(data_dir, lambda key_store: key_store.revoke(key_id, force=force)):
        raise click.ClickException(f"There is no unrevoked key {key_id}.")
    click.echo(f"revoked {key_id}; running servers stop taking it within a second or so")


def _say(known: KnownKey, *, as_json: bool) -> None:
    shown = key_json(known)
    if as_json:
        click.echo(_json(shown))
        return
    for member, value in shown.items():
        text = ",".join(map(str, value)) if isinstance(value, list) else value
        click.echo(f"{member}\t{'' if text is None else text}")


def _key_line(key: ApiKey) -> str:
    scopes = ",".join(scope for scope in SCOPES if scope in key.scopes)
    origins = ",".join(sorted(key.origins)) or "every origin"
    app = key.app_id or "every app"
    life = f"{key.ttl_hours} hours" if key.ttl_hours else "default life"
    scrubs = ",".join(rule for rule in SCRUB_RULES if rule in key.scrub)
    scrubbed = f"scrubs {scrubs}" if scrubs else "scrubs nothing"
    return "\t".join((str(key.key_id), key.name, scopes, app, origins, life, _state(key), scrubbed))


def _state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= datetime.now(UTC) else "active"


def _json(value: object) -> str:
    return ujson.dumps(value, indent=2, escape_forward_slashes=False, ensure_ascii=False)


def _dumps(value: object) -> bytes:
    return ujson.dumps(value).encode()


def _on_keys(data_dir: Path | None, act: Callable[[KeyStore], Awaitable[_Result]]) -> _Result:
    with database_of(data_dir) as database_url, refusals_shown():
        migrate_database(database_url)
        return with_database(database_url, lambda database: act(KeyStore(database)))
