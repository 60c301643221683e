"""Quotas: what a key may use in a day (UTC), and what it has used."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

from spectraview.access.key import ApiKey, KeyLimits
from spectraview.errors import QuotaExceeded
from spectraview.storage.database import Database, DatabaseUnavailable, StatementRefused
from spectraview.storage.quotas import KeyDay, QuotaCounter, QuotaStore, Used
from spectraview.storage.shared import SharedCalls

logger = logging.getLogger(__name__)

_FLUSH_SECONDS = 10.0
_KEPT_DAYS = 400
_ONE_REQUEST = Used(requests=1)


@dataclass(frozen=True, slots=True)
class Left:
    """What a key has left of a quota; `bounds_ingest`: it stops what stores, and no reader."""

    name: str
    amount: int
    bounds_ingest: bool


class Quotas:
    """Counts what keys use, and refuses what is above a quota.

    Redis counts for all processes at once. Each process writes down every ten seconds what it has
    accepted: what Redis has lost is known from there. Use as an async context manager.
    """

    def __init__(self, database: Database, counter: QuotaCounter, now: Callable[[], float]) -> None:
        self._store = QuotaStore(database)
        self._counter = counter
        self._now = now
        self._fresh: dict[KeyDay, Used] = {}
        self._being_written: dict[KeyDay, Used] = {}
        self._written: dict[KeyDay, Used] = {}
        self._looks: SharedCalls[Used] = SharedCalls("quota-look")
        self._forgotten: date | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_flushing(), name="quotas")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    def begin(self, key: ApiKey) -> "Request | None":
        """Count a request of a key that has a quota; None where there is none."""
        if not key.limits.has_quota:
            return None
        key_day = self._day_of(key.key_id)
        return Request(self, key, key_day, self._counter.spend(key_day, _ONE_REQUEST))

    def note_request(self, key_id: int) -> None:
        """Note that a key was used."""
        self._add(self._day_of(key_id), _ONE_REQUEST)

    def note_stored(self, key: ApiKey, *, sent_bytes: int, events: int) -> None:
        """Count what was accepted and stored."""
        key_day, used = self._day_of(key.key_id), Used(bytes=sent_bytes, events=events)
        self._add(key_day, used)
        if key.limits.has_quota:
            self._counter.spend_soon(key_day, used)

    def seconds_left(self) -> int:
        """Return the seconds until the next day (UTC) begins."""
        now = datetime.fromtimestamp(self._now(), UTC)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        return max(1, round((tomorrow - now).total_seconds()))

    async def sums(self, key_day: KeyDay, answer: asyncio.Future[list[object]]) -> Used:
        """Return what a key has used on a day, whoever of Redis and PostgreSQL knows more."""
        if key_day not in self._written:
            self._written[key_day] = await self._looks.get(key_day, lambda: self._look_up(key_day))
        nothing = Used()
        counted = self._fresh.get(key_day, nothing) + self._being_written.get(key_day, nothing)
        return (self._written.get(key_day, nothing) + counted) | await self._counter.sums(answer)

    def take_back(self, key_day: KeyDay) -> None:
        """Do not count a request that was refused."""
        self._counter.spend_soon(key_day, Used(requests=-1))

    async def flush(self) -> None:
        """Write down what was used since the last time."""
        self._being_written, self._fresh = self._fresh, {}
        try:
            if self._being_written:
                self._written |= await self._store.add(self._being_written)
            await self._forget_old()
        except (DatabaseUnavailable, StatementRefused) as error:
            logger.debug("what keys have used is written down later: %s", error)
            for key_day, used in self._being_written.items():
                self._add(key_day, used)
        self._being_written = {}

    def _add(self, key_day: KeyDay, used: Used) -> None:
        known = self._fresh.get(key_day)
        self._fresh[key_day] = used if known is None else known + used

    def _day_of(self, key_id: int) -> KeyDay:
        return key_id, date.fromordinal(_EPOCH + int(self._now() // 86_400))

    async def _look_up(self, key_day: KeyDay) -> Used:
        try:
            return await self._store.fetch(key_day)
        except DatabaseUnavailable:
            return Used()

    async def _forget_old(self) -> None:
        """Once a day, forget the days that are over here, and the oldest in the database."""
        _, today = self._day_of(0)
        if self._forgotten == today:
            return
        self._written = {known: used for known, used in self._written.items() if known[1] >= today}
        await self._store.forget(today - timedelta(days=_KEPT_DAYS))
        self._forgotten = today

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.flush()


class Request:
    """A request that is being counted: the answer of Redis comes with that of the rate limit."""

    def __init__(
        self, quotas: Quotas, key: ApiKey, key_day: KeyDay, answer: asyncio.Future[list[object]]
    ) -> None:
        self._quotas = quotas
        self._limits = key.limits
        self._key_day = key_day
        self._answer = answer

    def take_back(self) -> None:
        """Do not count the request: it was refused."""
        self._quotas.take_back(self._key_day)

    async def check(self, scope: str) -> list[Left]:
        """Return what the key has left. Raises QuotaExceeded."""
        used = await self._quotas.sums(self._key_day, self._answer)
        left = list(_left(self._limits, used))
        for quota in left:
            if quota.amount < 0 and (scope == "ingest" or not quota.bounds_ingest):
                self.take_back()
                seconds = self._quotas.seconds_left()
                raise QuotaExceeded(
                    f"This API key has used its {quota.name} of today (UTC)",
                    retry_after=seconds,
                    headers={"RateLimit": f'"{quota.name}-a-day";r=0;t={seconds}'},
                )
        return left


def _left(limits: KeyLimits, used: Used) -> Iterator[Left]:
    """Yield what is left; below 0 once the next request is too much."""
    if limits.requests_per_day is not None:
        yield Left("requests", limits.requests_per_day - used.requests, False)
    for name, limit, amount in (
        ("bytes", limits.bytes_per_day, used.bytes),
        ("events", limits.events_per_day, used.events),
    ):
        if limit is not None:
            yield Left(name, limit - amount if amount < limit else -1, True)


_EPOCH = date(1970, 1, 1).toordinal()
