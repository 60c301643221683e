"""The batches that lie in rows of their own, and the custom events and errors of all batches."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.database import Database, Row
from spectraview.storage.models import Position, StoredBatch


class BatchStore:
    """Reads batches that are not sealed; BatchReader reads all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fetch_batches(
        self,
        session_id: UUID,
        day: date,
        after: Position,
        through_batch: int,
        page_bytes: int,
        *,
        within: float | None = None,
    ) -> list[StoredBatch]:
        """Return the next page of batches that have rows, in order: as many as hold `page_bytes` of
        JSON, at least one.
        """
        rows = await self._database.fetch_all(
            queries.FETCH_BATCHES,
            {
                "session_id": session_id,
                "day": day,
                "sequence": after.sequence,
                "after_batch": after.batch_number,
                "through_batch": through_batch,
                "page_bytes": page_bytes,
            },
            within=within,
        )
        return await self.with_lists(
            session_id,
            day,
            [StoredBatch(row[0], row[1], row[2], row[3], bytes(row[4])) for row in rows],
            custom_events=any(row[5] for row in rows),
            errors=any(row[6] for row in rows),
        )

    async def with_lists(
        self,
        session_id: UUID,
        day: date,
        batches: Sequence[StoredBatch],
        *,
        custom_events: bool,
        errors: bool,
    ) -> list[StoredBatch]:
        """Return batches that follow one another with their custom events and errors, where they
        have any.
        """
        if not (custom_events or errors):
            return list(batches)
        bounds = (session_id, day, batches[0].batch_number - 1, batches[-1].batch_number)
        events_of = await self.fetch_custom_events(*bounds) if custom_events else {}
        errors_of = await self.fetch_errors(*bounds) if errors else {}
        return [
            replace(
                batch,
                custom_events=events_of.get(batch.batch_number, ()),
                errors=errors_of.get(batch.batch_number, ()),
            )
            for batch in batches
        ]

    async def fetch_custom_events(
        self, session_id: UUID, day: date, after_batch: int, through_batch: int
    ) -> dict[int, tuple[bytes, ...]]:
        """Return the JSON of custom events by batch number."""
        rows = await self._database.fetch_all(
            queries.FETCH_CUSTOM_EVENTS, _batch_range(session_id, day, after_batch, through_batch)
        )
        return _by_batch(rows)

    async def fetch_errors(
        self, session_id: UUID, day: date, after_batch: int, through_batch: int
    ) -> dict[int, tuple[bytes, ...]]:
        """Return the JSON of errors by batch number."""
        rows = await self._database.fetch_all(
            queries.FETCH_ERRORS, _batch_range(session_id, day, after_batch, through_batch)
        )
        return _by_batch(rows)


def _batch_range(
    session_id: UUID, day: date, after_batch: int, through_batch: int
) -> dict[str, object]:
    return {
        "session_id": session_id,
        "day": day,
        "after_batch": after_batch,
        "through_batch": through_batch,
    }


def _by_batch(rows: Sequence[Row]) -> dict[int, tuple[bytes, ...]]:
    grouped: dict[int, list[bytes]] = {}
    for batch_number, body in rows:
        grouped.setdefault(batch_number, []).append(body.encode())
    return {number: tuple(bodies) for number, bodies in grouped.items()}
