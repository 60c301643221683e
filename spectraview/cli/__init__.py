"""The command line: serve, migrate, maintain, backup, restore, export, import, keys, apps,
audit,
doctor.
"""

from pathlib import Path

import click

from spectraview import __version__
from spectraview.cli.apps import apps
from spectraview.cli.audit import audit
from spectraview.cli.backup import backup, restore
from spectraview.cli.doctor import doctor
from spectraview.cli.keys import keys
from spectraview.cli.maintain import maintain
from spectraview.cli.serve import serve
from spectraview.cli.servers import data_dir_option, database_of, migrate_database
from spectraview.cli.transfer import export_session, import_session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """SpectraView: ingest, store, replay and watch web-session recordings."""


@main.command()
@data_dir_option
def migrate(data_dir: Path | None) -> None:
    """Bring the database to the current schema."""
    with database_of(data_dir) as database_url:
        applied = migrate_database(database_url)
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to apply")


main.add_command(serve)
main.add_command(maintain)
main.add_command(backup)
main.add_command(restore)
main.add_command(export_session)
main.add_command(import_session)
main.add_command(keys)
main.add_command(apps)
main.add_command(audit)
main.add_command(doctor)
