"""What keys use in a day: counted at once in Redis, and kept in PostgreSQL."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from spectraview.storage import queries
from spectraview.storage.arrays import plain_array
from spectraview.storage.database import Database
from spectraview.storage.redis import CacheUnavailable, script_command
from spectraview.storage.redis_cluster import Redis
from spectraview.storage.scripts import SPEND

_SOON_SECONDS = 0.1
_KEPT_SECONDS = 90_000
"""A day and an hour: clocks of processes may differ."""


@dataclass(frozen=True, slots=True)
class Used:
    """Requests, bytes and events of a key on a day."""

    requests: int = 0
    bytes: int = 0
    events: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(
            self.requests + other.requests, self.bytes + other.bytes, self.events + other.events
        )

    def __or__(self, other: "Used") -> "Used":
        """Return the larger of each: two counts of the same, of which one may have been lost."""
        return Used(
            max(self.requests, other.requests),
            max(self.bytes, other.bytes),
            max(self.events, other.events),
        )


KeyDay = tuple[int, date]


class QuotaCounter:
    """Counts in Redis, for all processes at once."""

    def __init__(self, pipeline: Redis) -> None:
        self._pipeline = pipeline
        self._waiting: dict[KeyDay, Used] = {}
        self._timer: asyncio.TimerHandle | None = None

    def spend(self, key_day: KeyDay, used: Used) -> asyncio.Future[list[Any]]:
        """Count what a key uses; `sums` reads the answer.

        A script of its own beside that of the rate limit, in the same round: in a cluster their
        keys lie on different nodes. Only keys with a quota pay for it.
        """
        used += self._waiting.pop(key_day, Used())
        key_id, day = key_day
        key = f"quota:{{{key_id}}}:{day.isoformat()}"
        amounts = (used.requests, used.bytes, used.events)
        return self._pipeline.send(script_command(SPEND, [key], _KEPT_SECONDS, *amounts))

    def spend_soon(self, key_day: KeyDay, used: Used) -> None:
        """Count what a key has used with its next request, or in a tenth of a second: a command of
        its own for each batch would double the cost.
        """
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_SOON_SECONDS, self._spend_waiting)
        self._waiting[key_day] = self._waiting.get(key_day, Used()) + used

    def _spend_waiting(self) -> None:
        self._timer = None
        for key_day in list(self._waiting):
            self.spend(key_day, Used())

    async def sums(self, answer: asyncio.Future[list[Any]]) -> Used:
        """Return the day's sums, nothing where Redis does not say."""
        try:
            (sums,) = await answer
        except CacheUnavailable:
            return Used()
        return Used(*sums) if isinstance(sums, list) else Used()


class QuotaStore:
    """What was used, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, used: Mapping[KeyDay, Used]) -> dict[KeyDay, Used]:
        """Add what keys have used, and return the days' sums.

        If PostgreSQL's answer is lost, it may count twice: then a quota ends early.
        """
        rows = await self._database.fetch_all(
            queries.ADD_KEY_USAGE,
            {
                "key_ids": plain_array(key_id for key_id, _ in used),
                "days": plain_array(day for _, day in used),
                "requests": plain_array(each.requests for each in used.values()),
                "bytes": plain_array(each.bytes for each in used.values()),
                "events": plain_array(each.events for each in used.values()),
            },
        )
        return {(key_id, day): Used(*sums) for key_id, day, *sums in rows}

    async def fetch(self, key_day: KeyDay) -> Used:
        """Return what a key has used on a day."""
        row = await self._database.fetch_one(
            queries.FETCH_KEY_USAGE, {"key_id": key_day[0], "day": key_day[1]}
        )
        return Used(*row) if row else Used()

    async def forget(self, before: date) -> None:
        """Delete what was used before a day."""
        await self._database.fetch_all(queries.FORGET_KEY_USAGE, {"before": before})
