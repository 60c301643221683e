"""Deletes sessions for good, and finds what is stored about a person: one method a statement."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.arrays import plain_array
from spectraview.storage.database import Database
from spectraview.storage.models import Session


class DeletionStore:
    """Deletes and exports; `app_id` narrows each method to an app, None leaves all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_session(self, session_id: UUID, app_id: str | None) -> list[UUID]:
        """Mark a session as deleted: from now on it takes nothing. Return it, or nothing when it is
        not there.
        """
        return await self._mark(session_id, None, app_id)

    async def mark_sessions_of(self, user_id: str, app_id: str | None) -> list[UUID]:
        """Mark up to 500 sessions of a user as deleted and return them."""
        return await self._mark(None, user_id, app_id)

    async def _mark(
        self, session_id: UUID | None, user_id: str | None, app_id: str | None
    ) -> list[UUID]:
        rows = await self._database.fetch_all(
            queries.MARK_DELETED,
            {"session_id": session_id, "user_id": user_id, "app_id": app_id},
        )
        return [row[0] for row in rows]

    async def delete_sessions(self, session_ids: Collection[UUID]) -> int:
        """Delete sessions with all their rows and return how many there were."""
        row = await self._database.fetch_one(
            queries.DELETE_SESSIONS, {"session_ids": plain_array(session_ids)}
        )
        return int(row[0]) if row else 0

    async def list_deleted(self, hours: int) -> list[UUID]:
        """Return the sessions that were deleted in the last hours."""
        rows = await self._database.fetch_all(queries.LIST_DELETED, {"hours": hours})
        return [row[0] for row in rows]

    async def list_sessions_of(
        self, user_id: str, app_id: str | None, after: Session | None = None
    ) -> list[Session]:
        """Return up to 100 sessions of a user, the oldest first, from behind `after`."""
        after_time, after_id = (after.started_at, after.session_id) if after else (None, None)
        rows = await self._database.fetch_all(
            queries.LIST_USER_SESSIONS,
            {
                "user_id": user_id,
                "app_id": app_id,
                "after_time": _text(after_time),
                "after_id": after_id,
            },
        )
        return [Session(*row) for row in rows]


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
