"""Retention: what has expired goes away, whole days at once where all of a day has expired."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import date

from spectraview.storage.retention import RetentionStore

logger = logging.getLogger(__name__)

LOCK = "spectraview-retention"
"""Of which only one process of a cluster at a time does the work."""
_SESSIONS_AT_ONCE = 1000
_DROPPED_AT_ONCE = 5000
_TOMBSTONES_AT_ONCE = 5000
_DROP_ATTEMPTS = 8
_DROP_PAUSE = 0.1
"""Seconds between the first two attempts; each pause is twice the last."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Whether what was known of expired sessions is kept, and for how many days their tombstones
    are.
    """

    keep_expired: bool
    tombstone_days: int


@dataclass(slots=True)
class RetentionReport:
    """What a round of retention did, or would do."""

    dropped: list[date] = field(default_factory=list)
    busy: list[date] = field(default_factory=list)
    """Days that could not be dropped, since somebody has been reading for long."""
    deleted: int = 0
    kept: int = 0
    """Of the deleted sessions, those whose metadata were kept."""
    forgotten: int = 0
    """Tombstones that were old enough."""


class Retention:
    """Lets go of what has expired; every step may be repeated, in several processes at once."""

    def __init__(self, store: RetentionStore, rules: RetentionRules) -> None:
        self._store = store
        self._rules = rules

    async def run(self) -> RetentionReport:
        """Drop the days that are over and delete the sessions that expired before theirs."""
        report = RetentionReport()
        tables = await self._store.list_day_tables()
        for day in await self._store.list_days():
            if day.can_be_dropped:
                if not await self._drop(tables, day.day):
                    report.busy.append(day.day)
                    continue
                report.dropped.append(day.day)
            if day.can_be_dropped or not day.partitioned:
                report.deleted += await self._purge_dropped(day.day)
            elif day.can_be_purged:
                report.deleted += await self._purge(day.day)
        report.forgotten = await self._forget_tombstones()
        report.kept = report.deleted if self._rules.keep_expired else 0
        _log(report)
        return report

    async def look(self) -> RetentionReport:
        """Return what `run` would do."""
        report = RetentionReport()
        for day in await self._store.list_days():
            if day.can_be_dropped:
                report.dropped.append(day.day)
            if day.can_be_dropped or day.can_be_purged:
                report.deleted += await self._store.count_expired(day.day)
        report.forgotten = await self._store.count_old_tombstones(self._rules.tombstone_days)
        report.kept = report.deleted if self._rules.keep_expired else 0
        return report

    async def _drop(self, tables: list[str], day: date) -> bool:
        """Drop a day's partitions, patiently; False when one of the tables stays in use."""
        left = list(tables)
        pause = _DROP_PAUSE
        for _ in range(_DROP_ATTEMPTS):
            while left and await self._store.drop_partition(left[0], day):
                left.pop(0)
            if not left:
                return True
            await asyncio.sleep(pause)
            pause *= 2
        return False

    async def _purge_dropped(self, day: date) -> int:
        deleted = 0
        while purged := await self._store.purge_dropped(
            day, _DROPPED_AT_ONCE, keep=self._rules.keep_expired
        ):
            deleted += purged
        return deleted

    async def _purge(self, day: date) -> int:
        deleted = 0
        while purged := await self._store.purge_expired(
            day, _SESSIONS_AT_ONCE, keep=self._rules.keep_expired
        ):
            deleted += purged
        return deleted

    async def _forget_tombstones(self) -> int:
        forgotten = 0
        days = self._rules.tombstone_days
        while gone := await self._store.forget_tombstones(days, _TOMBSTONES_AT_ONCE):
            forgotten += gone
        return forgotten


def _log(report: RetentionReport) -> None:
    if report.dropped or report.deleted:
        days = ", ".join(map(str, report.dropped)) or "no day"
        logger.info("retention dropped %s and deleted %s sessions", days, report.deleted)
    for day in report.busy:
        logger.warning("%s has expired and is not dropped: somebody reads its tables for long", day)
