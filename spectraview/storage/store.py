"""PostgreSQL, the only truth: one method a statement."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from typing import Literal
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.append import Appended, append_parameters, appended_from_rows
from spectraview.storage.arrays import plain_array, text_array
from spectraview.storage.database import Database, Row
from spectraview.storage.models import (
    Batch,
    Head,
    NewSession,
    Position,
    ReportedStats,
    Session,
)

_LOOKUP_SECONDS = 5.0
"""What takes longer than this, of reads that find one row by its key, will not be answered."""


class Store:
    """Reads and writes sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_batches(
        self, batches: Sequence[Batch], *, within: float
    ) -> list[Appended | None]:
        """Store a group of batches in one transaction; no two of them may share session and batch
        key.
        """
        rows = await self._database.fetch_all(
            queries.APPEND_BATCHES, append_parameters(batches), within=within
        )
        return appended_from_rows(rows, len(batches))

    async def create_sessions(self, batches: Collection[Batch], ttl_hours: int) -> None:
        """Create the sessions of batches that came before their start; each batch names its app."""
        await self._database.fetch_all(
            queries.CREATE_SESSIONS,
            {
                "session_ids": plain_array(batch.session_id for batch in batches),
                "app_ids": text_array(batch.app_id for batch in batches),
                "user_ids": text_array(batch.user_id for batch in batches),
                "started_ats": plain_array(_first_event_time(batch) for batch in batches),
                "milliseconds": plain_array(_in_milliseconds(batch) for batch in batches),
                "ttl_hours": plain_array(batch.ttl_hours for batch in batches),
                "default_ttl_hours": ttl_hours,
            },
        )

    async def start_session(self, new: NewSession) -> Session | None:
        """Create or fill in a session; None when its id is another app's, or has gone for good."""
        row = await self._database.fetch_one(queries.START_SESSION, asdict(new))
        return Session(*row) if row else None

    async def touch_session(
        self, session_id: UUID, app_id: str | None, reported: ReportedStats
    ) -> Session | None:
        """Note that a session is active."""
        row = await self._database.fetch_one(
            queries.TOUCH_SESSION,
            {"session_id": session_id, "app_id": app_id, **asdict(reported)},
        )
        return Session(*row) if row else None

    async def end_session(
        self, session_id: UUID, app_id: str | None, ended_at: float | None, reported: ReportedStats
    ) -> Session | None:
        """End a session; `ended_at` in seconds since 1970, None for its last event's time."""
        row = await self._database.fetch_one(
            queries.END_SESSION,
            {
                "session_id": session_id,
                "app_id": app_id,
                "ended_at": ended_at,
                **asdict(reported),
            },
        )
        return Session(*row) if row else None

    async def end_idle_sessions(self, idle_seconds: float) -> list[tuple[UUID, int]]:
        """End sessions without activity and return their ids and batch counts (at most 1,000 at
        once).
        """
        rows = await self._database.fetch_all(
            queries.END_IDLE_SESSIONS, {"idle_seconds": idle_seconds}
        )
        return [(row[0], row[1]) for row in rows]

    async def create_event_partitions(self, days_ahead: int) -> int:
        """Make the partitions of the days to come; return how many were missing."""
        row = await self._database.fetch_one(
            queries.CREATE_EVENT_PARTITIONS, {"days_ahead": days_ahead}
        )
        return _number(row)

    async def fetch_session(self, session_id: UUID, app_id: str | None = None) -> Session | None:
        """Return a session that has not expired, of this app or (None) of any."""
        row = await self._database.fetch_one(
            queries.FETCH_SESSION,
            {"session_id": session_id, "app_id": app_id},
            within=_LOOKUP_SECONDS,
        )
        return Session(*row) if row else None

    async def why_gone(
        self, session_id: UUID, app_id: str | None = None
    ) -> Literal["deleted", "expired"] | None:
        """Tell why a session takes nothing any more; None when it does, or never was there."""
        row = await self._database.fetch_one(
            queries.WHY_GONE, {"session_id": session_id, "app_id": app_id}
        )
        return row[0] if row else None

    async def ping(self, within: float) -> None:
        """Return when PostgreSQL answers. Raises DatabaseUnavailable."""
        await self._database.fetch_all(queries.PING, within=within)

    async def count_active(self) -> int:
        """Return how many sessions have not ended."""
        return _number(await self._database.fetch_one(queries.COUNT_ACTIVE))

    async def fetch_heads(self, session_ids: Collection[UUID]) -> dict[UUID, Head]:
        """Return where the streams of these sessions stand."""
        rows = await self._database.fetch_all(
            queries.FETCH_HEADS,
            {"session_ids": plain_array(session_ids)},
            within=_LOOKUP_SECONDS,
        )
        return {row[0]: Head(*row[1:]) for row in rows}

    async def find_batch(self, session_id: UUID, day: date, sequence: int) -> Position | None:
        """Return the batch that holds `sequence` or is the last before it: its number and first
        sequence.
        """
        row = await self._database.fetch_one(
            queries.FIND_BATCH,
            {"session_id": session_id, "day": day, "sequence": sequence},
            within=_LOOKUP_SECONDS,
        )
        return Position(*row) if row else None

    async def find_batch_end(
        self, session_id: UUID, day: date, batch_number: int
    ) -> Position | None:
        """Return the place after a batch."""
        row = await self._database.fetch_one(
            queries.FIND_BATCH_END,
            {"session_id": session_id, "day": day, "batch_number": batch_number},
            within=_LOOKUP_SECONDS,
        )
        return Position(*row) if row else None


def _number(row: Row | None) -> int:
    return int(row[0]) if row else 0


def _in_milliseconds(batch: Batch) -> bool:
    return not 0 < batch.events.first_timestamp < SECONDS_BELOW


def _first_event_time(batch: Batch) -> float | None:
    """Return when a batch's first event happened, in seconds since 1970; None when it has none or
    its clock is absurd.
    """
    first = batch.events.first_timestamp
    seconds = first / 1000 if _in_milliseconds(batch) else float(first)
    return seconds if 0 < seconds < LATEST_SECONDS else None


SECONDS_BELOW = 100_000_000_000
"""A client time below this is in seconds, else in milliseconds (10^11 s is the year 5138, 10^11 ms
is 1973).
"""

LATEST_SECONDS = 253_402_214_399
"""The last second that PostgreSQL and Python both can hold in any time zone: a day before the end
of the year 9999.
"""
