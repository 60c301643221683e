"""How many bytes the recordings take: by table, by day and by app."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from spectraview.storage import queries
from spectraview.storage.database import Database, Row
from spectraview.storage.shared import SharedCalls

_Key = TypeVar("_Key")
_REMEMBER_SECONDS = 10.0
_COUNTED_PAGES = 16_384
_JOINED_PAGES = 1024
"""Of larger tables, so many pages of 8 KiB are looked at, and the rest is estimated from them."""
_RECORDED = ("session_events", "session_segments")


@dataclass(frozen=True, slots=True)
class DayUsage:
    """A day's bytes, in the database and in the archive, and its sessions."""

    day: date
    bytes: int
    sessions: int


@dataclass(frozen=True, slots=True)
class AppUsage:
    """An app's sessions and events, and the bytes of its events as they are stored."""

    app_id: str
    sessions: int
    events: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What is stored; `tables` with TOAST and indexes. `estimated`: tables were too large to look
    at all of their pages.
    """

    tables: dict[str, int]
    objects: int
    object_bytes: int
    days: list[DayUsage]
    apps: list[AppUsage]
    estimated: bool

    @property
    def recorded_bytes(self) -> int:
        """Return what events and segments take, in the database and in the archive."""
        return sum(self.tables.get(name, 0) for name in _RECORDED) + self.object_bytes


class UsageReader:
    """Measures what is stored, at most once in some seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._known: tuple[float, Usage] | None = None
        self._calls: SharedCalls[Usage] = SharedCalls("storage-usage")

    async def read(self) -> Usage:
        """Return what is stored now, or was some seconds ago."""
        if self._known is not None and self._known[0] > self._clock():
            return self._known[1]
        return await self._calls.get(None, self._measure)

    async def _measure(self) -> Usage:
        sizes = await self._database.fetch_all(queries.LIST_TABLE_SIZES)
        pages = _sums((name, count) for name, _, _, count in sizes)
        counted = _percent(pages["sessions"], _COUNTED_PAGES)
        listed = _percent(pages["archive_objects"], _COUNTED_PAGES)
        joined = {name: _percent(pages[name], _JOINED_PAGES) for name in _RECORDED}
        fetch = self._database.fetch_all
        sessions, stored, objects = await asyncio.gather(
            fetch(queries.COUNT_DAYS_AND_APPS, {"percent": counted}),
            fetch(
                queries.SUM_APP_BYTES,
                {
                    "events_percent": joined["session_events"],
                    "segments_percent": joined["session_segments"],
                },
            ),
            fetch(queries.SUM_OBJECTS, {"percent": listed}),
        )
        sessions = [(*row[:2], *_scaled(row[2:], counted)) for row in sessions]
        objects = [(row[0], *_scaled(row[1:], listed)) for row in objects]
        usage = Usage(
            tables=dict(_sums((name, size) for name, _, size, _ in sizes)),
            objects=sum(row[1] for row in objects),
            object_bytes=sum(row[2] for row in objects),
            days=_days(sizes, sessions, objects),
            apps=_apps(sessions, stored),
            estimated=min(counted, listed, *joined.values()) < 100,
        )
        self._known = (self._clock() + _REMEMBER_SECONDS, usage)
        return usage


def _percent(pages: int, most: int) -> float:
    return min(100.0, 100.0 * most / max(pages, 1))


def _scaled(numbers: Sequence[int], percent: float) -> list[int]:
    return [round(number * 100 / percent) for number in map(float, numbers)]


def _sums(numbers: Iterable[tuple[_Key, int]]) -> defaultdict[_Key, int]:
    summed: defaultdict[_Key, int] = defaultdict(int)
    for key, number in numbers:
        summed[key] += number
    return summed


def _days(sizes: Sequence[Row], sessions: Sequence[Row], objects: Sequence[Row]) -> list[DayUsage]:
    """Return the days of which something is stored, in order."""
    stored = _sums((day, size) for _, day, size, _ in sizes if day is not None)
    archived = _sums((row[0], row[2]) for row in objects)
    counts = _sums((row[0], row[2]) for row in sessions)
    return [
        DayUsage(day, stored[day] + archived[day], counts[day])
        for day in sorted({*stored, *archived, *counts})
    ]


def _apps(sessions: Sequence[Row], stored: Sequence[Row]) -> list[AppUsage]:
    """Return the apps, the largest first."""
    counts = _sums((row[1], row[2]) for row in sessions)
    events = _sums((row[1], row[3]) for row in sessions)
    sizes = _sums((app_id, round(size)) for app_id, size in stored)
    names = {*counts, *sizes}
    apps = [AppUsage(name, counts[name], events[name], sizes[name]) for name in names]
    return sorted(apps, key=lambda app: (-app.bytes, app.app_id))
