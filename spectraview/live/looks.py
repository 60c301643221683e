"""What the store says of a session, asked once for all viewers that come within a moment."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from spectraview.live.watched import WatchedSession
from spectraview.storage.models import Head, Session
from spectraview.storage.shared import SharedCalls
from spectraview.storage.store import Store


@dataclass(frozen=True, slots=True)
class _Look:
    session: Session
    began: float
    ends_heard: int


class Looks:
    """Looks sessions up in the store, and keeps what it saw of those that are watched.

    What is kept serves for `keep_seconds`, and again when the head poll sees the same, as long as
    nothing is heard of the session: it is as good as another look then, and a crowd of viewers
    costs the store no more than one. That a session has ended is not kept: it may go on, and who is
    told otherwise does not come again.
    """

    def __init__(self, store: Store, keep_seconds: float, clock: Callable[[], float]) -> None:
        self._store = store
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._kept: dict[UUID, _Look] = {}
        self._fresh: SharedCalls[Session | None] = SharedCalls("join-session")
        self._recent: SharedCalls[Session | None] = SharedCalls("join-watched")

    async def fresh(self, session_id: UUID) -> Session | None:
        """Return the session as it is now; those who ask at the same moment share a look."""
        return await self._fresh.get(session_id, lambda: self._store.fetch_session(session_id))

    async def recent(self, watched: WatchedSession) -> Session | None:
        """Return a watched session as it was a moment ago; a new look tells `watched` what it
        saw.
        """
        look = self._kept.get(watched.session_id)
        if look is not None and self._holds(look, watched):
            return look.session
        return await self._recent.get(watched, lambda: self._look(watched))

    async def reaching(self, session: Session, batch_number: int, sequence: int) -> Session:
        """Return the session as it is when it has reached this, or as it is now if it has not.

        The first look may have been under way already, and be too old; then the second is not.
        """
        for _ in range(2):
            if session.batch_count >= batch_number and session.next_sequence >= sequence:
                break
            session = await self.fresh(session.session_id) or session
        return session

    def confirm(
        self, watched: WatchedSession, head: Head, asked_at: float, ends_heard: int
    ) -> None:
        """Keep a look for longer when the store's head, asked for at that time, is what it saw."""
        look = self._kept.get(watched.session_id)
        if look is None or look.ends_heard != ends_heard or look.began > asked_at:
            return
        seen = look.session
        if head == Head(seen.batch_count, seen.next_sequence, False) and not _expired(seen):
            self._kept[watched.session_id] = replace(look, began=asked_at)

    def forget(self, session_id: UUID) -> None:
        """Let go what is kept of a session that is no longer watched."""
        self._kept.pop(session_id, None)

    def _holds(self, look: _Look, watched: WatchedSession) -> bool:
        age = self._clock() - look.began
        unheard = look.ends_heard == watched.ends_heard
        return age < self._keep_seconds and unheard and look.session.batch_count >= watched.newest

    async def _look(self, watched: WatchedSession) -> Session | None:
        began, ends_heard = self._clock(), watched.ends_heard
        session = await self._store.fetch_session(watched.session_id)
        if session is None:
            return None
        self.forget(watched.session_id)
        watched.learn(Head(session.batch_count, session.next_sequence, session.ended), ends_heard)
        if not (watched.closed or session.ended):
            self._kept[watched.session_id] = _Look(session, began, ends_heard)
        return session


def _expired(session: Session) -> bool:
    return session.expires_at <= datetime.now(UTC)
