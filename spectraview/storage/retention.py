"""What goes away: days of partitions, expired sessions, old tombstones; and how long apps keep."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from spectraview.storage import queries
from spectraview.storage.database import Database

_PATIENCE = timedelta(days=1)
_VACUUM_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SessionDay:
    """A day of which there are sessions or partitions.

    `over` tells that no session of it can come any more; `now` is the database's clock.
    """

    day: date
    partitioned: bool
    over: bool
    first_expiry: datetime | None
    last_expiry: datetime | None
    now: datetime

    @property
    def can_be_dropped(self) -> bool:
        """Tell whether its partitions hold nothing but expired sessions, and never will."""
        expired = self.last_expiry is None or self.last_expiry <= self.now
        return self.partitioned and self.over and expired

    @property
    def can_be_purged(self) -> bool:
        """Tell whether its expired sessions have to be deleted row by row.

        They wait for their day to be dropped if that is at most another day away: else all sessions
        would go by row, since none of a day expires later than a day after the first.
        """
        if self.first_expiry is None or self.last_expiry is None or self.first_expiry > self.now:
            return False
        waits = self.partitioned and self.over and self.last_expiry <= self.now + _PATIENCE
        return not waits


@dataclass(frozen=True, slots=True)
class AppSetting:
    """What is set for an app."""

    app_id: str
    ttl_hours: int


class RetentionStore:
    """Deletes what has expired: one method a statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_days(self) -> list[SessionDay]:
        """Return the days of which there is something, in order."""
        rows = await self._database.fetch_all(queries.LIST_SESSION_DAYS)
        return [SessionDay(*row) for row in rows]

    async def list_day_tables(self) -> list[str]:
        """Return the tables that have a partition for each day."""
        return [row[0] for row in await self._database.fetch_all(queries.LIST_DAY_TABLES)]

    async def drop_partition(self, parent: str, day: date) -> bool:
        """Drop a table's partition of a day; False when the table is in use."""
        row = await self._database.fetch_one(
            queries.DROP_DAY_PARTITION, {"parent": parent, "day": day}
        )
        return bool(row and row[0])

    async def purge_expired(self, day: date, most: int, *, keep: bool) -> int:
        """Delete at most so many expired sessions of a day, and return how many; `keep` keeps what
        was known of them.
        """
        row = await self._database.fetch_one(
            queries.PURGE_EXPIRED_SESSIONS, {"day": day, "most": most, "keep": keep}
        )
        return int(row[0]) if row else 0

    async def purge_dropped(self, day: date, most: int, *, keep: bool) -> int:
        """Delete at most so many expired sessions of a day without partitions, and return how
        many.
        """
        row = await self._database.fetch_one(
            queries.PURGE_DROPPED_SESSIONS, {"day": day, "most": most, "keep": keep}
        )
        return int(row[0]) if row else 0

    async def vacuum(self) -> None:
        """Give the room of deleted rows back to the system, as far as PostgreSQL can."""
        await self._database.fetch_all(queries.VACUUM_RECORDINGS, within=_VACUUM_SECONDS)

    async def count_expired(self, day: date) -> int:
        """Return how many sessions of a day have expired."""
        row = await self._database.fetch_one(queries.COUNT_EXPIRED_SESSIONS, {"day": day})
        return int(row[0]) if row else 0

    async def forget_tombstones(self, days: int, most: int) -> int:
        """Delete at most so many tombstones that are older, and return how many."""
        row = await self._database.fetch_one(
            queries.FORGET_TOMBSTONES, {"days": days, "most": most}
        )
        return int(row[0]) if row else 0

    async def count_old_tombstones(self, days: int) -> int:
        """Return how many tombstones are older."""
        row = await self._database.fetch_one(queries.COUNT_OLD_TOMBSTONES, {"days": days})
        return int(row[0]) if row else 0

    async def set_app_ttl(self, app_id: str, ttl_hours: int) -> None:
        """Set how long the sessions of an app live that are made from now on."""
        await self._database.fetch_all(
            queries.SET_APP_TTL, {"app_id": app_id, "ttl_hours": ttl_hours}
        )

    async def clear_app_ttl(self, app_id: str) -> bool:
        """Let an app have the default again; tell whether it had its own."""
        return bool(await self._database.fetch_all(queries.CLEAR_APP_TTL, {"app_id": app_id}))

    async def list_app_settings(self) -> list[AppSetting]:
        """Return what is set for apps."""
        rows = await self._database.fetch_all(queries.LIST_APP_SETTINGS)
        return [AppSetting(*row) for row in rows]
