"""`spectraview export` and `import`: single sessions as the JSON that rrweb's players open."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

import click
import msgspec
import ujson
from msgspec import Raw, Struct

from spectraview.cli.servers import (
    archive_of,
    data_dir_option,
    database_of,
    migrate_database,
    read_config,
    with_database,
)
from spectraview.config import Config
from spectraview.errors import ApiError
from spectraview.ingest.body import Limits, parse_batch
from spectraview.ingest.decoding import DecodingError, decode_parts, exact
from spectraview.storage.audit import AuditLog
from spectraview.storage.batches import BatchReader
from spectraview.storage.codec import inflate, inner_text, split_events
from spectraview.storage.database import Database
from spectraview.storage.models import Batch, NewSession, Position, ReportedStats, Session
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.store import Store

_PAGE_BYTES = 2_097_152
_BATCH_BYTES = 4_194_304
_BATCH_EVENTS = 1000
_WITHIN = 60.0


class _Recording(Struct, rename="camel"):
    """What `export --whole` and the API's replay write; else a file is the array of events."""

    events: Raw = Raw(b"[]")
    custom_events: Raw = Raw(b"[]")
    errors: Raw = Raw(b"[]")


_RECORDING = msgspec.json.Decoder(_Recording)


@click.command("export")
@click.argument("session_id", type=click.UUID)
@click.option("--output", type=click.File("wb"), default="-", help="A file; standard output else.")
@click.option("--whole", is_flag=True, help="With custom events and errors, as the API answers.")
@data_dir_option
def export_session(
    session_id: UUID, output: BinaryIO, *, whole: bool, data_dir: Path | None
) -> None:
    """Write a session's events as a JSON array, which rrweb's players open."""
    config = read_config()
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        with_database(
            database_url, lambda database: _export(database, config, session_id, output, whole)
        )


async def _export(
    database: Database, config: Config, session_id: UUID, output: BinaryIO, whole: bool
) -> None:
    session = await Store(database).fetch_session(session_id)
    if session is None:
        raise click.ClickException(f"There is no session {session_id}.")
    async for text in _texts(BatchReader(database, _data(database, config)), session, whole):
        await asyncio.to_thread(output.write, text)
    await AuditLog(database).note("export_session", app_id=session.app_id, sessions=1)


async def _texts(batches: BatchReader, session: Session, whole: bool) -> AsyncIterator[bytes]:
    yield b'{"sessionId":"%s","events":[' % str(session.session_id).encode() if whole else b"["
    custom_events: list[bytes] = []
    errors: list[bytes] = []
    position, separator = Position(), b""
    while position.batch_number < session.batch_count:
        page = await batches.fetch_batches(
            session.session_id, session.day, position, session.batch_count, _PAGE_BYTES
        )
        if not page:
            raise click.ClickException("The session was deleted meanwhile.")
        for batch in page:
            custom_events += batch.custom_events
            errors += batch.errors
            if batch.event_count:
                yield separator + inner_text(inflate(batch.event_data, batch.codec))
                separator = b","
        position = Position(page[-1].batch_number, page[-1].next_sequence)
    lists = b'],"customEvents":[%s],"errors":[%s]}'
    yield lists % (b",".join(custom_events), b",".join(errors)) if whole else b"]"


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--app", "app_id", required=True, help="The app that the session belongs to.")
@click.option("--user", "user_id", help="The user whose session it is.")
@click.option("--session-id", type=click.UUID, help="Its id; a new one if none is given.")
@data_dir_option
def import_session(
    file: BinaryIO,
    app_id: str,
    user_id: str | None,
    session_id: UUID | None,
    data_dir: Path | None,
) -> None:
    """Store a recording, a JSON array of events or what `export --whole` wrote, as a session."""
    config = read_config()
    new_id = session_id or uuid4()
    try:
        batches = list(_batches(new_id, app_id, user_id, file.read(), config))
    except ApiError as error:
        raise click.ClickException(f"{error} ({error.where or file.name})") from error
    except DecodingError as error:
        raise click.ClickException(f"{file.name} is no recording: {error}") from error
    new = _new_session(new_id, app_id, user_id, batches, config)
    with database_of(data_dir) as database_url:
        migrate_database(database_url)
        with_database(database_url, lambda database: _import(database, new, batches))
    click.echo(new_id)


async def _import(database: Database, new: NewSession, batches: Sequence[Batch]) -> None:
    store = Store(database)
    if await store.start_session(new) is None:
        raise click.ClickException(f"The id {new.session_id} is taken, or its session was deleted.")
    for batch in batches:
        (stored,) = await store.append_batches([batch], within=_WITHIN)
        if stored is None or not stored.stored:
            raise click.ClickException(f"The session {new.session_id} has other batches already.")
    await store.end_session(new.session_id, new.app_id, None, ReportedStats())
    await AuditLog(database).note("import_session", app_id=new.app_id, sessions=1)


def _batches(
    session_id: UUID, app_id: str, user_id: str | None, content: bytes, config: Config
) -> Iterator[Batch]:
    """Yield what a file holds as batches; the custom events and errors go with the last."""
    recording = _parse(content)
    limits = Limits(config.max_inflated, config.max_events)
    named = {"appId": app_id} | ({"userId": user_id} if user_id else {})
    members = ujson.dumps(named).encode()[:-1]
    lists = b',"customEvents":%s,"errors":%s' % (
        exact(recording.custom_events),
        exact(recording.errors),
    )
    groups = list(_groups(split_events(exact(recording.events)))) or [[]]
    for number, group in enumerate(groups, 1):
        body = b'%s,"events":[%s]%s}' % (
            members,
            b",".join(group),
            lists if number == len(groups) else b"",
        )
        batch = parse_batch(session_id, body, idempotency_key=f"import-{number}", limits=limits)
        if batch.events.count or batch.custom_events or batch.errors:
            yield batch


def _parse(content: bytes) -> _Recording:
    if content.lstrip().startswith(b"["):
        return _Recording(events=Raw(content))
    return decode_parts(_RECORDING, content)


def _groups(events: Sequence[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for event in events:
        if group and (size + len(event) > _BATCH_BYTES or len(group) >= _BATCH_EVENTS):
            yield group
            group, size = [], 0
        group.append(event)
        size += len(event)
    if group:
        yield group


def _new_session(
    session_id: UUID,
    app_id: str,
    user_id: str | None,
    batches: Sequence[Batch],
    config: Config,
) -> NewSession:
    first = min((b.events.first_timestamp for b in batches if b.events.count), default=0)
    return NewSession(
        session_id=session_id,
        app_id=app_id,
        user_id=user_id,
        ticket_id=None,
        started_at=first / 1000 if first > 0 else None,
        milliseconds=True,
        metadata="{}",
        page_url=None,
        ttl_hours=None,
        default_ttl_hours=config.ttl_hours,
    )


def _data(database: Database, config: Config) -> SegmentData:
    return SegmentData(database, archive_of(config))
