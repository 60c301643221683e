"""Reads that a standby of PostgreSQL serves while it is fresh enough, and the primary otherwise."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from uuid import UUID

from spectraview.observability.measures import StandbyMeasures
from spectraview.storage import queries
from spectraview.storage.database import Database, DatabaseUnavailable, Reads, Row, StatementRefused

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_SILENT_SECONDS = 1.0
"""A standby that lets a look wait for longer serves no reads until one is answered again."""
_LOOKS_IN_LAG = 4
_LONGEST_PAUSE = 0.5


class Replica(Reads):
    """A streaming standby beside its primary; use as an async context manager.

    It reads like a Database: on the standby while that has all that was committed `most_lag`
    seconds ago, else on the primary, and there too what the standby breaks off. Nobody needs the
    standby: it may come, go, be promoted, be late or fall silent. `lookout` is the standby too, on
    a connection of its own: a look waits for no read.
    """

    def __init__(
        self,
        primary: Database,
        standby: Database,
        lookout: Database,
        clock: Callable[[], float],
        *,
        most_lag: float,
    ) -> None:
        self._primary = primary
        self._standby = standby
        self._lookout = lookout
        self._clock = clock
        self._most_lag = most_lag
        self._committed: deque[tuple[float, int]] = deque()
        self._fresh_at = float("-inf")
        self._silent = False
        self._patience: set[asyncio.Timeout] = set()
        self._unusable_for = "away"
        self._used = False
        self.measures = StandbyMeasures()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.look()
        self._task = asyncio.create_task(self._look_for_ever(), name="replica")
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
        for database in (self._standby, self._lookout):
            await database.__aexit__(kind, error, trace)

    @property
    def lag(self) -> float:
        """Return how many seconds ago all was committed that the standby is known to have."""
        return self._clock() - self._fresh_at

    @property
    def usable(self) -> bool:
        """Tell whether the standby serves reads now."""
        return not self._silent and self.lag <= self._most_lag

    async def has(self, session_id: UUID, batch_count: int) -> bool:
        """Tell whether the standby serves reads and has so many batches of a session."""
        rows = await self._read(queries.COUNT_BATCHES, {"session_id": session_id}, _LOOK_SECONDS)
        if rows is None:
            return False
        has = any(int(row[0]) >= batch_count for row in rows)
        if not has:
            self.measures.passed_over["behind"] += 1
        return has

    async def _fetch(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row]:
        rows = await self._read(query, parameters, within)
        if rows is None:
            return await self._primary.fetch_all(query, parameters, within=within)
        return rows

    async def _read(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row] | None:
        """Return the standby's rows; where the primary has to read, None, and count why."""
        if not self.usable:
            self.measures.passed_over["silent" if self._silent else self._unusable_for] += 1
            return None
        try:
            async with self._while_it_answers():
                rows = await self._standby.fetch_all(query, parameters, within=within)
        except (TimeoutError, DatabaseUnavailable, StatementRefused) as error:
            logger.debug("the primary reads for the standby: %s", str(error).strip() or "silent")
            self.measures.passed_over[self._understand(error)] += 1
            return None
        self.measures.reads += 1
        return rows

    def _understand(self, error: Exception) -> str:
        """Return why the standby gave no rows."""
        if isinstance(error, StatementRefused):
            return "refused"  # it may lack a column that a migration just made
        if _timed_out(error):
            self._silent = True  # until a look is answered: nobody waits twice
            return "silent"
        return "away"

    @asynccontextmanager
    async def _while_it_answers(self) -> AsyncIterator[None]:
        """Raise TimeoutError in the context when a look finds the standby silent: what takes long
        on a standby that answers may go on.
        """
        async with asyncio.timeout(None) as patience:
            self._patience.add(patience)
            try:
                yield
            finally:
                self._patience.discard(patience)

    async def _look_for_ever(self) -> None:
        pause = min(_LONGEST_PAUSE, self._most_lag / _LOOKS_IN_LAG)
        while True:
            await asyncio.sleep(pause)
            await self.look()

    async def look(self) -> None:
        """Find out how far the standby has come, by where the primary was at what time."""
        try:
            asked_at = self._clock()
            committed = await _position(self._primary, queries.FETCH_WAL_POSITION, _LOOK_SECONDS)
            self._committed.append((asked_at, committed or 0))
            replayed = await self._replayed()
        except (DatabaseUnavailable, StatementRefused) as error:
            self._note(str(error).strip())
            return
        if replayed is None:
            self._unusable_for = "promoted"
            self._note("it is no standby")
            return
        self._unusable_for = "late"
        while self._committed and self._committed[0][1] <= replayed:
            self._fresh_at, _ = self._committed.popleft()
        self._note(f"it is {self.lag:.1f} s late" if self._committed else "")

    async def _replayed(self) -> int | None:
        """Ask the standby how far it has come, and learn whether it answers at all."""
        was_silent = self._silent
        if was_silent:
            # The postmaster may hang though its processes go on: it has to let us in anew.
            self._lookout.pool.forget_idle()
        try:
            replayed = await _position(
                self._lookout, queries.FETCH_REPLAYED_POSITION, _SILENT_SECONDS
            )
        except (DatabaseUnavailable, StatementRefused) as error:
            self._unusable_for = "away"
            if _timed_out(error):
                self._fall_silent()
            raise
        if was_silent:  # else a read has found it silent only after the look began
            self._silent = False
        return replayed

    def _fall_silent(self) -> None:
        """Let the primary take what the standby is reading, and all reads to come."""
        self._silent = True
        self._standby.pool.forget_idle()
        now = asyncio.get_running_loop().time()
        while self._patience:
            self._patience.pop().reschedule(now)

    def _note(self, reason: str) -> None:
        """Forget places that no longer matter, and log when reads move to or from the standby."""
        while self._committed and self._clock() - self._committed[0][0] > self._most_lag + 60:
            self._committed.popleft()
        if self.usable != self._used:
            self._used = self.usable
            if self._used:
                logger.info("the standby serves reads")
            else:
                logger.warning("the primary serves the standby's reads: %s", reason)


async def _position(database: Database, query: str, within: float) -> int | None:
    row = await database.fetch_one(query, within=within)
    return None if row is None or row[0] is None else int(row[0])


def _timed_out(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
