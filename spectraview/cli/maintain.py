"""`spectraview maintain`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from spectraview.cli.servers import (
    archive_of,
    data_dir_option,
    database_of,
    migrate_database,
    read_config,
    start_logging,
    with_database,
)
from spectraview.config import Config
from spectraview.lifecycle.archive import LOCK as ARCHIVE_LOCK
from spectraview.lifecycle.archive import Archive, ArchiveReport
from spectraview.lifecycle.retention import LOCK, Retention, RetentionReport, RetentionRules
from spectraview.lifecycle.sealing import LEASE_SECONDS, Sealer, SealReport
from spectraview.storage.database import Database
from spectraview.storage.exclusive import exclusive
from spectraview.storage.objects import Objects, ObjectsUnavailable
from spectraview.storage.retention import RetentionStore
from spectraview.storage.sealing import SealingStore
from spectraview.storage.segment_data import SegmentData

_LOCK_PATIENCE = 60.0
"""How long the background jobs of a server may take before this gives up."""


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done and change nothing.")
@data_dir_option
def maintain(*, dry_run: bool, data_dir: Path | None) -> None:
    """Do at once what a server does in the background: seal what has ended, archive what is old,
    let go of what has expired.

    Works beside a running server too, and starts the embedded one if none runs.
    """
    config = read_config()
    start_logging(msgspec.structs.replace(config, log_level="WARNING"))
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        ready = msgspec.structs.replace(config, database_url=database_url)
        with_database(database_url, lambda database: _maintain(database, ready, dry_run=dry_run))


async def _maintain(database: Database, config: Config, *, dry_run: bool) -> None:
    rules = RetentionRules(config.keep_expired, config.tombstone_days)
    retention = Retention(RetentionStore(database), rules)
    objects = archive_of(config)
    archive = Archive(database, objects, after_days=config.archive_after) if objects else None
    if dry_run:
        unsealed = await SealingStore(database, lease=LEASE_SECONDS).count_unsealed()
        click.echo(f"would seal {unsealed} sessions")
        _say_retention(await retention.look(), "would ")
        if archive:
            _say_archive(await archive.look(), "would archive", "would delete")
        return
    sealed = await _seal(database, objects)
    async with _alone(config, LOCK):
        report = await retention.run()
    _say_retention(report, "")
    archived = await _archive(config, archive) if archive else ArchiveReport()
    if sealed.sessions or report.deleted or archived.segments:
        await RetentionStore(database).vacuum()
    if sealed.failed or report.busy or archived.failed:
        raise click.ClickException("Not all could be done, see above.")


async def _archive(config: Config, archive: Archive) -> ArchiveReport:
    async with _alone(config, ARCHIVE_LOCK):
        try:
            report = await archive.run()
        except ObjectsUnavailable as error:
            raise click.ClickException(f"The archive can't be used: {error}") from error
    _say_archive(report, "archived", "deleted")
    return report


async def _seal(database: Database, objects: Objects | None) -> SealReport:
    """Seal every session that has ended, however lately."""
    sealer = Sealer(database, SegmentData(database, objects), seal_after=0)
    report = await sealer.seal(sys.maxsize)
    click.echo(
        f"sealed {report.sessions} sessions, {report.size_bytes} bytes of JSON in"
        f" {report.stored_bytes} bytes"
    )
    if report.failed:
        click.echo(f"{report.failed} sessions can't be sealed")
    return report


@asynccontextmanager
async def _alone(config: Config, lock: str) -> AsyncIterator[None]:
    async with exclusive(config.database_url, lock, patience=_LOCK_PATIENCE) as alone:
        if not alone:
            raise click.ClickException("Another process is at it and does not get done.")
        yield


def _say_retention(report: RetentionReport, would: str) -> None:
    drop, delete, keep, forget = (
        ("drop", "delete", "keep", "forget") if would else ("dropped", "deleted", "kept", "forgot")
    )
    days = ", ".join(map(str, report.dropped)) or "no days"
    click.echo(f"{would}{drop} {days}")
    click.echo(f"{would}{delete} {report.deleted} sessions")
    if report.kept:
        click.echo(f"{would}{keep} the metadata of {report.kept} sessions")
    if report.forgotten:
        click.echo(f"{would}{forget} {report.forgotten} tombstones")
    for day in report.busy:
        click.echo(f"{day} has expired and is in use: left for the next time")


def _say_archive(report: ArchiveReport, archive: str, delete: str) -> None:
    click.echo(f"{archive} {report.segments} segments, {report.bytes} bytes")
    if report.deleted:
        click.echo(f"{delete} {report.deleted} objects")
    if report.failed:
        click.echo(f"{report.failed} segments are damaged and stay where they are")
