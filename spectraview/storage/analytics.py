"""Figures over many sessions: by day, by error, by custom event."""

import asyncio
from dataclasses import asdict
from datetime import datetime

from spectraview.storage import queries
from spectraview.storage.database import Reads
from spectraview.storage.models import AnalyticsFilter, AnalyzedDay, CountedEvents, ErrorGroup

_REFRESH_SECONDS = 900.0
_REPORT_SECONDS = 60.0
_EXAMPLES = 10


class AnalyticsStore:
    """Refreshes and reads analytics; it reads many rows, so one statement at a time."""

    def __init__(self, database: Reads) -> None:
        self._database = database
        self._turn = asyncio.Semaphore(1)

    async def refresh(self, interval: float) -> bool:
        """Refresh the view unless that was done within `interval` seconds, or is being done; tell
        whether it was.
        """
        row = await self._database.fetch_one(
            queries.REFRESH_ANALYTICS, {"interval": interval}, within=_REFRESH_SECONDS
        )
        return bool(row and row[0])

    async def fetch_refresh_time(self) -> datetime | None:
        """Return when the view was refreshed, None if it never was."""
        row = await self._database.fetch_one(queries.FETCH_ANALYTICS_REFRESH)
        return row[0] if row else None

    async def fetch_days(self, narrowed: AnalyticsFilter) -> list[AnalyzedDay]:
        """Return the figures of each app and day, the newest day first."""
        rows = await self._database.fetch_all(
            queries.FETCH_ANALYTICS,
            {
                "bound_app_id": narrowed.bound_app_id,
                "app_id": narrowed.app_id,
                "from_date": narrowed.from_time and narrowed.from_time.date(),
                "to_date": narrowed.to_time and narrowed.to_time.date(),
            },
        )
        return [AnalyzedDay(*row) for row in rows]

    async def group_errors(
        self, narrowed: AnalyticsFilter, *, limit: int, offset: int
    ) -> tuple[list[ErrorGroup], int]:
        """Return a page of the errors that have the same message and top frame, the most frequent
        first, and how many such groups there are.
        """
        parameters = {**asdict(narrowed), "limit": limit, "offset": offset, "examples": _EXAMPLES}
        async with self._turn:
            rows = await self._database.fetch_all(
                queries.GROUP_ERRORS, parameters, within=_REPORT_SECONDS
            )
        return [ErrorGroup(*row[:-1]) for row in rows], rows[0][-1] if rows else 0

    async def count_custom_events(
        self, narrowed: AnalyticsFilter, *, event_type: str | None, limit: int, offset: int
    ) -> tuple[list[CountedEvents], int]:
        """Return a page of the counts of custom events by type and day, the newest day first, and
        how many such counts there are.
        """
        parameters = {
            **asdict(narrowed),
            "event_type": event_type,
            "limit": limit,
            "offset": offset,
        }
        async with self._turn:
            rows = await self._database.fetch_all(
                queries.COUNT_CUSTOM_EVENTS, parameters, within=_REPORT_SECONDS
            )
        return [CountedEvents(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
