"""`spectraview backup` and `restore`: PostgreSQL's own dump, and the list of archived objects."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
from psycopg2.extensions import make_dsn, parse_dsn

from spectraview.cli.servers import (
    archive_of,
    data_dir_option,
    database_of,
    migrate_database,
    read_config,
    with_database,
)
from spectraview.embedded import EmbeddedError, client_program
from spectraview.storage.backup import BackupStore
from spectraview.storage.database import Database
from spectraview.storage.objects import Objects, ObjectsUnavailable

_DUMP = "spectraview.dump"
_OBJECTS = "objects.tsv"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@data_dir_option
def backup(folder: Path, data_dir: Path | None) -> None:
    """Dump the database into a new folder, and list the archive's objects; the server may run."""
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    objects = archive_of(read_config())
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        _run_client("pg_dump", database_url, ["--format=custom", f"--file={folder / _DUMP}"])
        # After the dump: objects are never overwritten, so all that it names are among them.
        sizes = with_database(database_url, lambda _: _list_objects(objects))
    lines = [f"{key}\t{size}\n" for key, size in sorted(sizes.items())]
    (folder / _OBJECTS).write_text("".join(lines))
    click.echo(f"dumped {(folder / _DUMP).stat().st_size} bytes, listed {len(sizes)} objects")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@data_dir_option
def restore(folder: Path, data_dir: Path | None) -> None:
    """Restore a backup into an empty database, and look for the archived objects it names."""
    dump = folder / _DUMP
    if not dump.is_file():
        raise click.ClickException(f"{folder} holds no {_DUMP}.")
    objects = archive_of(read_config())
    with database_of(data_dir) as database_url:
        with_database(database_url, _check_empty)
        _run_client(
            "pg_restore",
            database_url,
            ["--exit-on-error", "--single-transaction", "--no-owner", str(dump)],
        )
        migrate_database(database_url)
        sessions, missing = with_database(database_url, lambda db: _look(db, objects))
    click.echo(f"restored {sessions} sessions")
    if missing:
        named = "\n".join(f"  {key}" for key in missing[:20])
        raise click.ClickException(f"{len(missing)} objects are not in the archive:\n{named}")


async def _check_empty(database: Database) -> None:
    if await BackupStore(database).count_tables():
        raise click.ClickException("The database is not empty.")


async def _look(database: Database, objects: Objects | None) -> tuple[int, Sequence[str]]:
    """Return how many sessions there are, and which objects are named and not there."""
    store = BackupStore(database)
    sizes = await _list_objects(objects)
    return await store.count_sessions(), [
        key for key, size in await store.list_objects() if sizes.get(key) != size
    ]


async def _list_objects(objects: Objects | None) -> dict[str, int]:
    try:
        return await objects.list_sizes() if objects else {}
    except ObjectsUnavailable as error:
        raise click.ClickException(f"The archive can't be listed: {error}") from error


def _run_client(program: str, database_url: str, arguments: Sequence[str]) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, which is not shown
    to other users.
    """
    dsn = parse_dsn(database_url)
    password = dsn.pop("password", None)
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    try:
        command = [str(client_program(program)), f"--dbname={make_dsn(**dsn)}", *arguments]
    except EmbeddedError as error:
        raise click.ClickException(str(error)) from error
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{program} failed: {done.stderr.strip()}")
