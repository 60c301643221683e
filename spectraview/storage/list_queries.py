"""The statements of the list, put together from the pieces of sql/queries that they share."""

from dataclasses import dataclass, field

from spectraview.storage import queries

HAS_SEARCH_INDEXES = queries.HAS_SEARCH_INDEXES
_FILTER = queries.SESSION_FILTER
_COUNTED = "LIMIT %(most)s"


@dataclass(frozen=True, slots=True)
class ListQueries:
    """The statements about the sessions that a filter leaves."""

    page: str = field(repr=False)
    count: str = field(repr=False)
    estimate: str = field(repr=False)
    search: str = field(repr=False)


def _put_together(sessions: str, condition: str, created_at: str, session_id: str) -> ListQueries:
    """Fill in where the sessions come from and whose columns give their order."""
    place = {"{created_at}": created_at, "{id}": session_id}
    matching = {"{sessions}": sessions, "{filter}": condition, **place}
    page = _filled(queries.PAGE_OF_SESSIONS, place)

    def fill(statement: str, narrowed: str) -> str:
        inner = _filled(queries.MATCHING_SESSIONS, {**matching, "{page}": narrowed})
        return _filled(statement, {"{matching}": inner, "{columns}": queries.LISTED_COLUMNS})

    return ListQueries(
        page=fill(queries.LIST_SESSIONS, page),
        count=fill(queries.COUNT_SESSIONS, _COUNTED),
        estimate=fill(queries.ESTIMATE_SESSIONS, ""),
        search=fill(queries.SEARCH_SESSIONS, page),
    )


def _filled(text: str, pieces: dict[str, str]) -> str:
    for name, piece in pieces.items():
        text = text.replace(name, piece.strip())
    return text


PLAIN = _put_together("sessions s", _FILTER, "s.created_at", "s.id")
BY_CUSTOM_EVENT = _put_together(
    "custom_event_sessions c JOIN sessions s ON s.id = c.session_id",
    f"c.event_type = %(custom_event)s AND {_FILTER}",
    "c.session_created_at",
    "c.session_id",
)
