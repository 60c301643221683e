"""What the store holds in the end: read from its tables, and as the service answers it."""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg2
import zstandard
from aiohttp import ClientSession

from tests.faults.batches import META, item_of
from tests.faults.history import Item

ReadObject = Callable[[str], bytes]
Fields = tuple[int, int, int, int, int, Sequence[Any]]

_WINDOW_BITS = {"zlib": 15, "gzip": 31, "deflate": -15}


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One batch, be it a row or part of a segment, with its custom events and errors."""

    batch_number: int
    sequence: int
    event_count: int
    custom_event_count: int
    error_count: int
    events: Sequence[Item]
    others: Sequence[Item]
    metas: frozenset[Item]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session's rows in order, and its counters."""

    rows: Sequence[StoredRow] = ()
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def items(self) -> list[Item]:
        """Return everything in the order in which a viewer gets it."""
        return [item for row in self.rows for item in (*row.events, *row.others)]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the service answers about a session: its replay, in the replay's order, and its
    counters.
    """

    replay: Sequence[Item]
    counters: Mapping[str, int]


def no_archive(key: str) -> bytes:
    """Read objects where there is no archive."""
    raise LookupError(f"{key} is archived, and there is no archive")


def read_sessions(
    database_url: str, session_ids: Sequence[UUID], read_object: ReadObject = no_archive
) -> dict[UUID, StoredSession]:
    """Return what the tables hold, and the objects that they name."""
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor() as cursor:
            return {
                session_id: _read_session(cursor, session_id, read_object)
                for session_id in session_ids
            }
    finally:
        connection.close()


async def ask(http: ClientSession, url: str, key: str, session_id: UUID) -> Answered | None:
    """Return what the service answers; None when it knows no such session."""
    headers = {"X-API-Key": key}
    async with http.get(f"{url}/api/sessions/{session_id}/replay", headers=headers) as answer:
        if answer.status == 404:
            return None
        replay = json.loads(await answer.read())
    async with http.get(f"{url}/api/sessions/{session_id}", headers=headers) as answer:
        counters = json.loads(await answer.read())["stats"]
    things = replay["events"] + replay["customEvents"] + replay["errors"]
    return Answered([item_of(thing) for thing in things], counters)


def _read_session(cursor: Any, session_id: UUID, read_object: ReadObject) -> StoredSession:
    cursor.execute(
        "SELECT next_sequence, batch_count, event_count, custom_event_count, error_count"
        " FROM sessions WHERE id = %s",
        (str(session_id),),
    )
    row = cursor.fetchone()
    if row is None:
        return StoredSession()
    names = ("next_sequence", "batches", "totalEvents", "customEvents", "errors")
    others: dict[int, list[Item]] = {}
    for table, column in (("custom_events", "event_data"), ("session_errors", "metadata")):
        cursor.execute(
            f"SELECT batch_number, {column}::text FROM {table} WHERE session_id = %s ORDER BY id",
            (str(session_id),),
        )
        for number, text in cursor.fetchall():
            others.setdefault(number, []).append(item_of(json.loads(text)))
    fields = [
        *_read_segments(cursor, session_id, read_object),
        *_read_rows(cursor, session_id),
    ]
    rows = [_row(*batch, others.pop(batch[0], [])) for batch in fields]
    assert not others, f"custom events or errors of no batch: {others}"
    return StoredSession(rows, dict(zip(names, row, strict=True)))


def _read_rows(cursor: Any, session_id: UUID) -> Iterator[Fields]:
    cursor.execute(
        "SELECT batch_number, sequence_number, event_count, custom_event_count, error_count,"
        " codec, event_data FROM session_events WHERE session_id = %s ORDER BY batch_number",
        (str(session_id),),
    )
    for *counts, codec, data in cursor.fetchall():
        text = zlib.decompress(data, _WINDOW_BITS[codec]) if len(data) else b"[]"
        yield (*counts, json.loads(text))


def _read_segments(cursor: Any, session_id: UUID, read_object: ReadObject) -> Iterator[Fields]:
    """Yield the batches of segments, by their counts alone: without the offsets."""
    cursor.execute(
        "SELECT first_batch, sequence_number, batch_event_counts, batch_custom_event_counts,"
        " batch_error_counts, event_data, object_key FROM session_segments WHERE session_id = %s"
        " ORDER BY first_batch",
        (str(session_id),),
    )
    for number, sequence, *counts, row_data, key in cursor.fetchall():
        data = read_object(key) if row_data is None else row_data
        events = json.loads(b"[%s]" % zstandard.decompress(data))
        start = 0
        for batch_number, batch in enumerate(zip(*counts, strict=True), number):
            yield (batch_number, sequence + start, *batch, events[start : start + batch[0]])
            start += batch[0]
        assert start == len(events), f"segment {number} holds {len(events)} events, not {start}"


def _row(
    number: int,
    sequence: int,
    event_count: int,
    custom_event_count: int,
    error_count: int,
    events: Sequence[Any],
    others: Sequence[Item],
) -> StoredRow:
    return StoredRow(
        number,
        sequence,
        event_count,
        custom_event_count,
        error_count,
        [item_of(event) for event in events],
        others,
        frozenset(item_of(event) for event in events if event["type"] == META),
    )
