"""The list of sessions: its pages, its total, and searches for what no index finds."""

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from uuid import UUID

from spectraview.storage import list_queries
from spectraview.storage.database import Reads, Row
from spectraview.storage.list_queries import ListQueries
from spectraview.storage.models import (
    ListCursor,
    ListedSession,
    Session,
    SessionFilter,
    SessionPage,
    Total,
)

COUNTED = 10_000
"""Totals up to this are exact."""

_SURELY_MORE = 5 * COUNTED
"""Where PostgreSQL expects more than this, it is not counted whether there are more than 10,000."""

_SEARCHED_SESSIONS = 1500
_SEARCHED_FOR_MESSAGES = 400
"""Sessions that one request looks through for what no index finds: so it takes the same time
however many there are.
"""

_TRIGRAM = re.compile(r"[^\W_]{3}")
_ID_PREFIX = re.compile(r"[0-9a-f-]{1,36}", re.IGNORECASE)


class SessionLists:
    """Lists sessions, the newest first."""

    def __init__(self, database: Reads) -> None:
        self._database = database
        self._has_search_indexes: bool | None = None

    async def fetch_page(
        self,
        narrowed: SessionFilter,
        *,
        limit: int,
        offset: int = 0,
        after: ListCursor | None = None,
    ) -> SessionPage:
        """Return the page behind `after` (as fast at any depth) or `offset`.

        With a cursor, the total is the one that its first page told.
        """
        queries = list_queries.BY_CUSTOM_EVENT if narrowed.custom_event else list_queries.PLAIN
        parameters = _parameters(narrowed, limit, offset, after)
        if narrowed.error_message or not await self._is_indexed(narrowed):
            return await self._search(queries, parameters, narrowed, after)
        rows = await self._database.fetch_all(queries.page, parameters)
        if after is not None:
            total = after.total
        elif offset == 0 and len(rows) < limit:
            total = Total(len(rows))
        else:
            total = await self._count(queries, parameters)
        sessions = _listed(rows)
        full = len(sessions) == limit
        return SessionPage(sessions, total, _cursor_behind(sessions[-1], total) if full else None)

    async def _is_indexed(self, narrowed: SessionFilter) -> bool:
        """Tell whether an index finds the texts of a filter: three letters or digits in a row."""
        texts = [text for text in (narrowed.search, narrowed.url) if text is not None]
        if not texts:
            return True
        if self._has_search_indexes is None:
            row = await self._database.fetch_one(list_queries.HAS_SEARCH_INDEXES)
            self._has_search_indexes = bool(row and row[0])
        return self._has_search_indexes and all(map(_TRIGRAM.search, texts))

    async def _count(self, queries: ListQueries, parameters: dict[str, object]) -> Total:
        expected = await self._estimate(queries, parameters)
        if expected > _SURELY_MORE:
            return Total(expected, is_estimate=True)
        row = await self._database.fetch_one(queries.count, parameters)
        counted = int(row[0]) if row else 0
        if counted <= COUNTED:
            return Total(counted)
        return Total(max(counted, expected), is_estimate=True)

    async def _estimate(self, queries: ListQueries, parameters: dict[str, object]) -> int:
        """Return how many rows PostgreSQL expects."""
        row = await self._database.fetch_one(queries.estimate, {**parameters, "estimating": True})
        return int(row[0][0]["Plan"]["Plan Rows"]) if row else 0

    async def _search(
        self,
        queries: ListQueries,
        parameters: dict[str, object],
        narrowed: SessionFilter,
        after: ListCursor | None,
    ) -> SessionPage:
        """Look through so many sessions and no more: the page may be short, and go on."""
        reach = _SEARCHED_FOR_MESSAGES if narrowed.error_message else _SEARCHED_SESSIONS
        slow = _slow_parameters(narrowed, parameters, reach)
        rows = await self._database.fetch_all(queries.search, slow)
        looked_at, found, last_created, last_id = rows[0][:4]
        sessions = _listed([row[4:] for row in rows if row[4] is not None])
        if after is not None:
            total = after.total
        elif looked_at < reach:
            total = Total(found)
        else:
            expected = await self._estimate(queries, slow) * found // looked_at
            total = Total(max(found, expected), is_estimate=True)
        shown = _number(parameters["offset"]) + len(sessions)
        if shown < found and sessions:
            return SessionPage(sessions, total, _cursor_behind(sessions[-1], total))
        more = looked_at == reach
        cursor = ListCursor(last_created, last_id, total) if more else None
        return SessionPage(sessions, total, cursor)


def _parameters(
    narrowed: SessionFilter, limit: int, offset: int, after: ListCursor | None
) -> dict[str, object]:
    first_id, last_id = _id_range(narrowed.search)
    return {
        **asdict(replace(narrowed, search=_pattern(narrowed.search), url=_pattern(narrowed.url))),
        "search_first_id": first_id,
        "search_last_id": last_id,
        "before_created": after and after.created_at,
        "before_id": after and after.session_id,
        "limit": limit,
        "offset": offset,
        "reach": limit + offset,
        "most": COUNTED + 1,
        "estimating": False,
    }


def _slow_parameters(
    narrowed: SessionFilter, parameters: dict[str, object], reach: int
) -> dict[str, object]:
    """Move the texts from the filter to the search behind it."""
    has_errors = narrowed.has_errors
    if narrowed.error_message and has_errors is None:
        has_errors = True
    return {
        **parameters,
        "slow_search": parameters["search"],
        "slow_url": parameters["url"],
        "error_message": _pattern(narrowed.error_message),
        "search": None,
        "url": None,
        "has_errors": has_errors,
        "reach": reach,
    }


def _pattern(text: str | None) -> str | None:
    """Return the ILIKE pattern for texts that contain this one."""
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _id_range(text: str | None) -> tuple[UUID | None, UUID | None]:
    """Return the first and the last id that begin with a text, None when none can."""
    if text is None or not _ID_PREFIX.fullmatch(text):
        return None, None
    digits = text.replace("-", "")[:32]
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return (first, last) if str(first).startswith(text.lower()) else (None, None)


def _listed(rows: Sequence[Row]) -> list[ListedSession]:
    return [ListedSession(Session(*row[:-2]), row[-2], row[-1]) for row in rows]


def _cursor_behind(last: ListedSession, total: Total) -> ListCursor:
    return ListCursor(last.created_at, last.session.session_id, total)


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
