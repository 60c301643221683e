"""Where a viewer begins."""

from collections.abc import Awaitable, Callable
from typing import Literal
from uuid import UUID

from spectraview.live.looks import Looks
from spectraview.live.protocol import Resume
from spectraview.storage.models import Position, Session
from spectraview.storage.shared import SharedCalls
from spectraview.storage.store import Store

Beginning = tuple[Position, int]
"""The position to read from, and the sequence of the first event that is wanted."""


_Place = tuple[UUID, Literal["end", "sequence"], int]

_KEPT_PLACES = 10_000


class Beginnings:
    """Finds where viewers begin; those that come at the same moment share what is read for it."""

    def __init__(self, store: Store, looks: Looks) -> None:
        self._store = store
        self._looks = looks
        self._found: dict[_Place, Position] = {}
        self._searches: SharedCalls[Position | None] = SharedCalls("join-place")

    async def find(
        self, session: Session, start: Literal["keyframe", "start", "now"] | Resume, head: Position
    ) -> Beginning:
        """Return where to begin; `head` is how far the session has been shown in this process.

        Who resumes may have seen more than that, in another process, and what the viewers of a
        moment have looked up together may be older than what one of them has seen: only the store
        says what is too far.
        """
        if start == "start":
            return Position(), 0
        if start == "now":
            return head, head.sequence
        if not isinstance(start, Resume):
            return await self._at(session, session.keyframe_sequence or 0)
        batch, sequence = start.batch, max(0, start.sequence or 0)
        session = await self._looks.reaching(session, batch or 0, sequence)
        if batch is not None:
            position = await self._after(session, batch)
            return position, max(sequence, position.sequence)
        return await self._at(session, sequence)

    async def _after(self, session: Session, batch_number: int) -> Position:
        if batch_number >= session.batch_count:
            return Position(session.batch_count, session.next_sequence)
        if batch_number <= 0:
            return Position()
        end = await self._find(
            (session.session_id, "end", batch_number),
            lambda: self._store.find_batch_end(session.session_id, session.day, batch_number),
        )
        return end or Position()

    async def _at(self, session: Session, sequence: int) -> Beginning:
        if sequence == 0:
            return Position(), 0
        if sequence >= session.next_sequence:
            end = Position(session.batch_count, session.next_sequence)
            return end, end.sequence
        batch = await self._find(
            (session.session_id, "sequence", sequence),
            lambda: self._store.find_batch(session.session_id, session.day, sequence),
        )
        if batch is None:
            return Position(), 0
        return Position(batch.batch_number - 1, batch.sequence), sequence

    async def _find(
        self, place: _Place, search: Callable[[], Awaitable[Position | None]]
    ) -> Position | None:
        """Return what a search of the store finds; once found, that never changes."""
        if place not in self._found:
            found = await self._searches.get(place, search)
            if found is None:
                return None
            if len(self._found) >= _KEPT_PLACES:
                self._found.clear()
            self._found[place] = found
        return self._found[place]
