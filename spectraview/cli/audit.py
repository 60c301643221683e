"""`spectraview audit`."""

from pathlib import Path

import click
import ujson

from spectraview.api.present_keys import audit_json
from spectraview.cli.servers import (
    data_dir_option,
    database_of,
    json_option,
    migrate_database,
    with_database,
)
from spectraview.storage.audit import AuditEntry, AuditFilter, AuditLog


@click.command()
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--action", default=None, help="Only this kind, such as create_key.")
@click.option("--key", "key_id", type=int, default=None, help="Only what this key did or suffered.")
@json_option
@data_dir_option
def audit(
    limit: int, action: str | None, key_id: int | None, data_dir: Path | None, *, as_json: bool
) -> None:
    """List what was done by whom, the latest first."""
    wanted = AuditFilter(action=action, key_id=key_id)
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        entries = with_database(
            database_url, lambda database: AuditLog(database).list_entries(wanted, limit=limit)
        )
    for entry in entries:
        click.echo(ujson.dumps(audit_json(entry)) if as_json else _line(entry))


def _line(entry: AuditEntry) -> str:
    who = "command line" if entry.key_id is None else f"key {entry.key_id}"
    what = [entry.action]
    if entry.target_key_id is not None:
        what.append(f"key {entry.target_key_id}")
    if entry.changes:
        what.append(",".join(entry.changes))
    if entry.sessions is not None:
        what.append(f"{entry.sessions} sessions")
    at = entry.created_at.isoformat(timespec="seconds")
    return "\t".join((at, who, entry.app_id or "every app", " ".join(what)))
