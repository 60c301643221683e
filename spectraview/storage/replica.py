"""Reads that a standby of PostgreSQL serves while it is fresh enough, and the primary otherwise."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.database import Database, DatabaseUnavailable, Reads, Row, StatementRefused

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_LOOKS_IN_LAG = 4
_LONGEST_PAUSE = 0.5


class Replica(Reads):
    """A streaming standby beside its primary; use as an async context manager.

    It reads like a Database: on the standby while that has all that was committed `most_lag`
    seconds ago, else on the primary, and there too what the standby breaks off. Nobody needs the
    standby: it may come, go, be promoted or be late.
    """

    def __init__(
        self, primary: Database, standby: Database, clock: Callable[[], float], *, most_lag: float
    ) -> None:
        self._primary = primary
        self._standby = standby
        self._clock = clock
        self._most_lag = most_lag
        self._committed: deque[tuple[float, int]] = deque()
        self._fresh_at = float("-inf")
        self._used = False
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
        await self._standby.__aexit__(kind, error, trace)

    @property
    def lag(self) -> float:
        """Return how many seconds ago all was committed that the standby is known to have."""
        return self._clock() - self._fresh_at

    @property
    def usable(self) -> bool:
        """Tell whether the standby serves reads now."""
        return self.lag <= self._most_lag

    async def has(self, session_id: UUID, batch_count: int) -> bool:
        """Tell whether the standby serves reads and has so many batches of a session."""
        if not self.usable:
            return False
        try:
            row = await self._standby.fetch_one(
                queries.COUNT_BATCHES, {"session_id": session_id}, within=_LOOK_SECONDS
            )
        except (DatabaseUnavailable, StatementRefused):
            return False
        return row is not None and int(row[0]) >= batch_count

    async def fetch_all(
        self,
        query: str,
        parameters: Mapping[str, object] | None = None,
        *,
        within: float | None = None,
    ) -> list[Row]:
        """Return the rows of a statement that only reads. Raises what Database.fetch_all does."""
        if self.usable:
            try:
                return await self._standby.fetch_all(query, parameters, within=within)
            except DatabaseUnavailable as error:
                logger.debug("the primary reads for the standby: %s", str(error).strip())
                if isinstance(error.__cause__, TimeoutError):
                    self._fresh_at = float("-inf")  # until the next look: nobody waits twice
            except StatementRefused as error:  # it may lack a column that a migration just made
                logger.debug("the primary reads what the standby refused: %s", str(error).strip())
        return await self._primary.fetch_all(query, parameters, within=within)

    async def _look_for_ever(self) -> None:
        pause = min(_LONGEST_PAUSE, self._most_lag / _LOOKS_IN_LAG)
        while True:
            await asyncio.sleep(pause)
            await self.look()

    async def look(self) -> None:
        """Find out how far the standby has come, by where the primary was at what time."""
        try:
            asked_at = self._clock()
            committed = await self._position(self._primary, queries.FETCH_WAL_POSITION)
            self._committed.append((asked_at, committed or 0))
            replayed = await self._position(self._standby, queries.FETCH_REPLAYED_POSITION)
            if replayed is None:
                self._note("it is no standby")
                return
            while self._committed and self._committed[0][1] <= replayed:
                self._fresh_at, _ = self._committed.popleft()
        except (DatabaseUnavailable, StatementRefused) as error:
            self._note(str(error).strip())
            return
        self._note(f"it is {self.lag:.1f} s late" if self._committed else "")

    async def _position(self, database: Database, query: str) -> int | None:
        row = await database.fetch_one(query, within=_LOOK_SECONDS)
        return None if row is None or row[0] is None else int(row[0])

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
