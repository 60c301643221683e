"""What the store holds in the end: read from its tables, and as the service answers it."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg2
from aiohttp import ClientSession

from tests.faults.batches import META, item_of
from tests.faults.history import Item

_WINDOW_BITS = {"zlib": 15, "gzip": 31, "deflate": -15}


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of session_events, with the custom events and errors of its batch."""

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


def read_sessions(database_url: str, session_ids: Sequence[UUID]) -> dict[UUID, StoredSession]:
    """Return what the tables hold."""
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor() as cursor:
            return {session_id: _read_session(cursor, session_id) for session_id in session_ids}
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


def _read_session(cursor: Any, session_id: UUID) -> StoredSession:
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
    cursor.execute(
        "SELECT batch_number, sequence_number, event_count, custom_event_count, error_count,"
        " codec, event_data FROM session_events WHERE session_id = %s ORDER BY batch_number",
        (str(session_id),),
    )
    rows = [_row(fields, others.pop(fields[0], [])) for fields in cursor.fetchall()]
    assert not others, f"custom events or errors of no batch: {others}"
    return StoredSession(rows, dict(zip(names, row, strict=True)))


def _row(fields: Sequence[Any], others: Sequence[Item]) -> StoredRow:
    number, sequence, event_count, custom_event_count, error_count, codec, data = fields
    text = zlib.decompress(data, _WINDOW_BITS[codec]) if len(data) else b"[]"
    events = json.loads(text)
    metas = frozenset(item_of(event) for event in events if event["type"] == META)
    return StoredRow(
        number,
        sequence,
        event_count,
        custom_event_count,
        error_count,
        [item_of(event) for event in events],
        others,
        metas,
    )
