"""Deletes sessions from the store and the cache, whatever is written at the same moment."""

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from spectraview.storage.cache import Cache
from spectraview.storage.deletion import DeletionStore
from spectraview.storage.objects import ObjectsUnavailable

logger = logging.getLogger(__name__)

_AGAIN_HOURS = 2
"""A replay that was being read may be cached after the deletion, for an hour at most."""


class Eraser:
    """Deletes sessions.

    The tombstone comes first: what follows may die at any point, and `finish` does the rest.
    """

    def __init__(
        self,
        store: DeletionStore,
        cache: Cache,
        sweep: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._store = store
        self._cache = cache
        self._sweep = sweep

    async def delete_session(self, session_id: UUID, app_id: str | None) -> int:
        """Delete a session of this app (None: any); return 0 when it is not there, else 1."""
        return await self._delete(await self._store.mark_session(session_id, app_id))

    async def delete_user(self, user_id: str, app_id: str | None) -> int:
        """Delete all sessions of a user and return how many."""
        deleted = 0
        while marked := await self._store.mark_sessions_of(user_id, app_id):
            deleted += await self._delete(marked)
        return deleted

    async def finish(self) -> int:
        """Delete again what was deleted lately, and return how many sessions were still there."""
        return await self._delete(await self._store.list_deleted(_AGAIN_HOURS))

    async def _delete(self, session_ids: list[UUID]) -> int:
        if not session_ids:
            return 0
        deleted = await self._store.delete_sessions(session_ids)
        self._cache.forget(session_ids)
        await self._delete_objects()
        return deleted

    async def _delete_objects(self) -> None:
        """Delete what the archive has of them: it is queued with their rows."""
        if self._sweep is None:
            return
        try:
            await self._sweep()
        except ObjectsUnavailable as error:
            logger.warning("objects wait for their deletion: %s", error)
