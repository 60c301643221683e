"""The write side of a session: start it, append batches, keep it alive, end it."""

from dataclasses import dataclass
from uuid import UUID

from spectraview.errors import (
    ApiError,
    IdempotencyConflict,
    SessionAppConflict,
    SessionDeleted,
    SessionExpired,
    SessionNotFound,
)
from spectraview.ingest.clock import client_time
from spectraview.ingest.committer import Committer
from spectraview.observability.tracing import span
from spectraview.storage.cache import ActiveSession, Cache, Usage
from spectraview.storage.models import Batch, NewSession, ReportedStats, Session
from spectraview.storage.store import Store

_GONE: dict[str | None, type[ApiError]] = {"deleted": SessionDeleted, "expired": SessionExpired}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a batch returns; `first_sequence` is None when it held no events, custom events or
    errors.
    """

    events: int
    custom_events: int
    errors: int
    first_sequence: int | None
    duplicate: bool
    viewers: int
    need_full_snapshot: bool


class Recorder:
    """Writes sessions to the store."""

    def __init__(self, store: Store, cache: Cache, committer: Committer) -> None:
        self._store = store
        self._cache = cache
        self._committer = committer

    async def start_session(self, new: NewSession) -> Session:
        """Start a session; again is the same as once.

        Raises SessionAppConflict when the id is another app's, SessionExpired when its time is
        over, SessionDeleted.
        """
        session = await self._store.start_session(new)
        if session is None:
            reason = await self._store.why_gone(new.session_id, new.app_id)
            raise _GONE[reason] if reason else SessionAppConflict(where="sessionId")
        if session.expires_at <= session.last_activity:
            raise SessionExpired
        self._cache.note_session(_active(session))
        return session

    async def append_batch(
        self, batch: Batch, usage: Usage, *, bound_app_id: str | None
    ) -> Receipt:
        """Store a batch and return once it is committed; `bound_app_id` is the API key's app, None
        for every app.

        Raises SessionNotFound, SessionExpired, SessionDeleted, SessionAppConflict,
        IdempotencyConflict and the committer's errors.
        """
        if not (batch.events.count or batch.custom_events or batch.errors):
            return await self._empty_receipt(batch, usage, bound_app_id)
        try:
            with span("commit", session_id=str(batch.session_id), events=batch.events.count):
                appended = await self._committer.commit(batch)
        except SessionNotFound as error:
            raise await self._missing(batch.session_id, bound_app_id) from error
        if appended.other_app:
            raise SessionNotFound if bound_app_id else SessionAppConflict
        if appended.expired:
            raise SessionExpired
        if appended.conflict:
            raise IdempotencyConflict
        summary = batch.events
        has_snapshot = bool(summary.keyframes) or summary.orphan_snapshot is not None
        wanted = appended.keyframe_missing or usage.snapshot_wanted
        return Receipt(
            events=summary.count,
            custom_events=len(batch.custom_events),
            errors=len(batch.errors),
            first_sequence=appended.first_sequence,
            duplicate=appended.duplicate,
            viewers=usage.viewers,
            need_full_snapshot=wanted and not has_snapshot,
        )

    async def touch_session(
        self, session_id: UUID, app_id: str | None, reported: ReportedStats
    ) -> Session:
        """Keep a session alive. Raises SessionNotFound, SessionExpired and SessionDeleted."""
        session = await self._store.touch_session(session_id, app_id, reported)
        if session is None:
            raise await self._missing(session_id, app_id)
        self._cache.note_session(_active(session))
        return session

    async def end_session(
        self, session_id: UUID, app_id: str | None, ended_at: float | None, reported: ReportedStats
    ) -> Session:
        """End a session and tell its viewers.

        Raises SessionNotFound, SessionExpired and SessionDeleted.
        """
        session = await self._store.end_session(session_id, app_id, ended_at, reported)
        if session is None:
            raise await self._missing(session_id, app_id)
        self._cache.announce_end(session_id, session.batch_count)
        return session

    async def _missing(self, session_id: UUID, app_id: str | None) -> ApiError:
        reason = await self._store.why_gone(session_id, app_id)
        return _GONE.get(reason, SessionNotFound)()

    async def _empty_receipt(self, batch: Batch, usage: Usage, bound_app_id: str | None) -> Receipt:
        """Answer a batch with nothing in it: there is nothing to store, but the session must be
        one.
        """
        session = await self.touch_session(batch.session_id, bound_app_id, ReportedStats())
        if batch.app_id not in (None, session.app_id):
            raise SessionAppConflict
        missing = session.keyframe_sequence is None or usage.snapshot_wanted
        return Receipt(0, 0, 0, None, False, usage.viewers, missing)


def _active(session: Session) -> ActiveSession:
    return ActiveSession(
        session.session_id,
        session.app_id,
        session.user_id,
        client_time(session.started_at, milliseconds=session.milliseconds),
        session.milliseconds,
        session.next_sequence,
    )
