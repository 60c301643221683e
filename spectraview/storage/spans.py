"""What the parts of a stored session hold: segments and the batches that are not sealed yet."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.database import Reads, Row

_PAGE = 200
_TRIES = 5


class SpansMissing(Exception):
    """Some of a session's batches are not there: it was deleted."""


@dataclass(frozen=True, slots=True)
class Span:
    """A segment, or a batch that is not sealed: what it holds, without its bytes.

    Timestamps are None when it has no events; `size_bytes` is the JSON of its events without
    brackets; keyframes come as sequence and timestamp.
    """

    first_batch: int
    last_batch: int
    first_sequence: int
    event_count: int
    first_timestamp: int | None
    last_timestamp: int | None
    size_bytes: int
    keyframes: tuple[tuple[int, int], ...]
    marks: bytes = field(repr=False)
    sealed: bool

    @property
    def next_sequence(self) -> int:
        """Return the sequence that follows its last event."""
        return self.first_sequence + self.event_count


@dataclass(frozen=True, slots=True)
class CustomEventMark:
    """When a custom event was."""

    timestamp: int
    event_type: str


@dataclass(frozen=True, slots=True)
class ErrorMark:
    """When an error was, and what it says."""

    timestamp: int
    error_type: str
    message: str | None


class SpanStore:
    """Reads what the manifest is made of; never an event."""

    def __init__(self, database: Reads) -> None:
        self._database = database

    async def list_spans(self, session_id: UUID, day: date, batch_count: int) -> list[Span]:
        """Return a session's spans in order, at least up to this batch. Raises SpansMissing.

        Sealing may put a segment in the place of batches between two pages: then all is read again.
        """
        for _ in range(_TRIES):
            spans: list[Span] = []
            while page := await self._page(session_id, day, spans[-1] if spans else None):
                spans += page
            if _are_contiguous(spans) and (spans[-1].last_batch if spans else 0) >= batch_count:
                return spans
        raise SpansMissing(session_id)

    async def _page(self, session_id: UUID, day: date, last: Span | None) -> list[Span]:
        rows = await self._database.fetch_all(
            queries.LIST_SPANS,
            {
                "session_id": session_id,
                "day": day,
                "after_batch": last.last_batch if last else 0,
                "sequence": last.next_sequence if last else 0,
                "limit": _PAGE,
            },
        )
        return [_span_from_row(row) for row in rows]

    async def list_custom_events(
        self, session_id: UUID, day: date, through_batch: int, limit: int
    ) -> list[CustomEventMark]:
        """Return the first custom events."""
        rows = await self._database.fetch_all(
            queries.LIST_CUSTOM_EVENT_MARKS,
            {"session_id": session_id, "day": day, "through_batch": through_batch, "limit": limit},
        )
        return [CustomEventMark(*row) for row in rows]

    async def list_errors(
        self, session_id: UUID, day: date, through_batch: int, limit: int
    ) -> list[ErrorMark]:
        """Return the first errors."""
        rows = await self._database.fetch_all(
            queries.LIST_ERROR_MARKS,
            {"session_id": session_id, "day": day, "through_batch": through_batch, "limit": limit},
        )
        return [ErrorMark(*row) for row in rows]


def _span_from_row(row: Row) -> Span:
    *numbers, sequences, timestamps, marks, sealed = row
    keyframes = tuple(zip(sequences, timestamps, strict=True))
    return Span(*numbers, keyframes, bytes(marks), sealed)  # type: ignore[call-arg]


def _are_contiguous(spans: list[Span]) -> bool:
    return all(
        span.first_batch == (spans[place - 1].last_batch if place else 0) + 1
        for place, span in enumerate(spans)
    )
