"""Runs statements on PostgreSQL, and tells an outage from a refusal."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import psycopg2
from psycopg2 import extras

from spectraview.observability.measures import DatabaseMeasures
from spectraview.storage.pool import Pool, keeping_cancellation

logger = logging.getLogger(__name__)

Row = Sequence[Any]

_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""SQLSTATE classes of faults that pass: connection, rollback (deadlock), resources, locks,
intervention, system.
"""

_NOT_A_TEXT = "22021"

extras.register_uuid()  # type: ignore[no-untyped-call]


class DatabaseUnavailable(Exception):
    """PostgreSQL can't be reached or is restarting; the outcome of the statement is unknown."""


class StatementRefused(Exception):
    """PostgreSQL refused the statement's data; `sqlstate` says why (class 22 or 23 is the data's
    fault).
    """

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class Reads(ABC):
    """What reads are made on: a database, or a standby beside it.

    Parameters are named, `%(session_id)s`; a statement may take `within` seconds, None the usual.
    """

    async def fetch_all(
        self,
        query: str,
        parameters: Mapping[str, object] | None = None,
        *,
        within: float | None = None,
    ) -> list[Row]:
        """Return the rows of the last statement in `query`. Raises DatabaseUnavailable and
        StatementRefused.
        """
        return await self._fetch(query, parameters, within)

    async def fetch_one(
        self,
        query: str,
        parameters: Mapping[str, object] | None = None,
        *,
        within: float | None = None,
    ) -> Row | None:
        """Return the first row, None when there is none. Raises what `fetch_all` does."""
        rows = await self._fetch(query, parameters, within)
        return rows[0] if rows else None

    @abstractmethod
    async def _fetch(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row]:
        """Return the rows, as `fetch_all` says."""


class Database(Reads):
    """Runs one statement at a time on pooled connections, each its own transaction (autocommit).

    Use as an async context manager.
    """

    def __init__(self, url: str, *, connections: int, timeout: float) -> None:
        self._pool = Pool(url, size=connections, timeout=timeout)
        self._timeout = timeout
        self.measures = DatabaseMeasures()

    async def __aenter__(self) -> Self:
        try:
            await self._pool.open()
        except (psycopg2.Error, TimeoutError) as error:
            raise DatabaseUnavailable(str(error)) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.close()

    @property
    def pool(self) -> Pool:
        """Return the connections."""
        return self._pool

    async def _fetch(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row]:
        """Return the rows. A lost connection is tried again once: every statement of the store may
        run twice.
        """
        try:
            return await self._run(query, parameters, within)
        except DatabaseUnavailable as error:
            self.measures.outages += 1
            self.measures.available = False
            if isinstance(error.__cause__, TimeoutError):
                self._pool.forget_idle()
                raise
            return await self._run(query, parameters, within)

    async def _run(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row]:
        """Run a statement, and tell a cancelled task from a cancelled statement: aiopg raises
        CancelledError also when an administrator or a statement_timeout cancels the statement.
        """
        with keeping_cancellation():
            try:
                return await self._execute(query, parameters, within)
            except asyncio.CancelledError as error:
                raise DatabaseUnavailable("PostgreSQL cancelled the statement") from error

    async def _execute(
        self, query: str, parameters: Mapping[str, object] | None, within: float | None
    ) -> list[Row]:
        seconds = within or self._timeout
        now = asyncio.get_running_loop().time
        began = now()
        try:
            async with (
                asyncio.timeout(seconds),
                self._pool.borrow() as connection,
                # Without a time of its own it would end what may take longer than others.
                connection.cursor(timeout=seconds) as cursor,
            ):
                await cursor.execute(query, parameters)
                rows = await cursor.fetchall() if cursor.description else []
        except ValueError as error:  # psycopg2 can't write a parameter, such as text with a NUL
            raise StatementRefused(_NOT_A_TEXT, str(error)) from error
        except (psycopg2.Error, TimeoutError, RuntimeError) as error:
            raise _translated(error) from error
        self.measures.statements.observe(now() - began)
        self.measures.available = True
        return rows


def _translated(error: Exception) -> Exception:
    """Return our error for the driver's: either the server is away or it refused the data."""
    sqlstate = getattr(error, "pgcode", None)
    if sqlstate is not None and sqlstate[:2] not in _TRANSIENT_CLASSES:
        return StatementRefused(sqlstate, str(error))
    if isinstance(error, psycopg2.Error) and not isinstance(
        error, psycopg2.OperationalError | psycopg2.InterfaceError | psycopg2.DatabaseError
    ):
        return StatementRefused("", str(error))
    return DatabaseUnavailable(f"{type(error).__name__}: {error}")
