"""The sessions that are watched in this process: opened for the first viewer, kept up with what the
other processes tell and what the store has, closed after the last viewer.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self
from uuid import UUID

from spectraview.errors import SessionNotFound
from spectraview.live.broker import Broker
from spectraview.live.cluster_broker import ClusterBroker
from spectraview.live.looks import Looks
from spectraview.live.pages import Pages
from spectraview.live.watched import LiveLimits, WatchedSession
from spectraview.observability.measures import LiveMeasures
from spectraview.storage.batches import BatchReader
from spectraview.storage.cache import Cache, channel_of
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.messages import InvalidMessage, decode_message
from spectraview.storage.models import Session
from spectraview.storage.store import Store

logger = logging.getLogger(__name__)

_LOCKS = 64
_LOOKS_SERVE = 1.5
"""Intervals of the head poll: it comes in time to confirm a look, and finds what is lost."""


class WatchedSessions:
    """Holds the watched sessions; use as an async context manager, inside the broker's."""

    def __init__(
        self,
        store: Store,
        batches: BatchReader,
        cache: Cache,
        broker: Broker | ClusterBroker,
        limits: LiveLimits,
        *,
        head_interval: float,
    ) -> None:
        self._store = store
        self._batches = batches
        self._cache = cache
        self._broker = broker
        self._limits = limits
        self._head_interval = head_interval
        self._pages = Pages(batches)
        self.measures = LiveMeasures()
        self._watched: dict[UUID, WatchedSession] = {}
        self._opening = [asyncio.Lock() for _ in range(_LOCKS)]
        self.looks = Looks(store, _LOOKS_SERVE * head_interval, time.monotonic)
        self._poll_now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._poll_heads(), name="head-poll")
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
        for watched in list(self._watched.values()):
            await watched.close()

    def __iter__(self) -> Iterator[WatchedSession]:
        return iter(list(self._watched.values()))

    def poll_now(self) -> None:
        """Compare with the store at once: something may have been missed."""
        self._poll_now.set()

    async def session(self, session_id: UUID, app_id: str | None) -> Session:
        """Return the session: as it was a moment ago if it is watched, else as it is now. Raises
        SessionNotFound.
        """
        watched = self._watched.get(session_id)
        if watched is None:
            session = await self.looks.fresh(session_id)
        else:
            session = await self.looks.recent(watched)
        if session is None or app_id not in (None, session.app_id):
            raise SessionNotFound
        return session

    @asynccontextmanager
    async def watching(self, session_id: UUID, app_id: str | None) -> AsyncIterator[WatchedSession]:
        """Keep a session open while the context lasts. Raises SessionNotFound."""
        watched = await self._open(session_id, app_id)
        try:
            yield watched
        finally:
            watched.users -= 1
            await self._close_unused(watched)

    async def _open(self, session_id: UUID, app_id: str | None) -> WatchedSession:
        """Return the watched session, subscribed before its head is read: nothing can fall between
        the two.
        """
        async with self._opening[hash(session_id) % _LOCKS]:
            watched = self._watched.get(session_id)
            if watched is None:
                session = await self.session(session_id, app_id)
                try:
                    await self._broker.subscribe(
                        channel_of(session_id), lambda data: self._receive(session_id, data)
                    )
                    watched = await self._opened(session)
                except BaseException:
                    await self._broker.unsubscribe(channel_of(session_id))
                    raise
            watched.users += 1
            return watched

    async def _opened(self, session: Session) -> WatchedSession:
        heads = await self._store.fetch_heads([session.session_id])
        head = heads.get(session.session_id)
        if head is None:
            raise SessionNotFound
        watched = WatchedSession(
            session.session_id,
            session.day,
            head,
            self._store,
            self._batches,
            self._cache,
            self._pages,
            self._limits,
            self.measures,
        )
        self._watched[session.session_id] = watched
        return watched

    async def _close_unused(self, watched: WatchedSession) -> None:
        session_id = watched.session_id
        async with self._opening[hash(session_id) % _LOCKS]:
            if watched.users or self._watched.get(session_id) is not watched:
                return
            del self._watched[session_id]
            watched.closed = True  # a look that is under way is not to be kept
            self._pages.forget(session_id)
            self.looks.forget(session_id)
            await self._broker.unsubscribe(channel_of(session_id))
            await watched.close()

    def _receive(self, session_id: UUID, data: bytes) -> None:
        watched = self._watched.get(session_id)
        if watched is None:
            return
        try:
            watched.receive(decode_message(data))
        except InvalidMessage as error:
            logger.warning("unreadable message about session %s: %s", session_id, error)

    async def _poll_heads(self) -> None:
        """Compare all watched sessions with the store: what pub/sub lost is found within the
        interval.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._head_interval):
                    await self._poll_now.wait()
            self._poll_now.clear()
            if not self._watched:
                continue
            # Not those that are opened while this waits.
            asked = [(watched, watched.ends_heard) for watched in self._watched.values()]
            asked_at = time.monotonic()
            self.measures.head_polls += 1
            try:
                heads = await self._store.fetch_heads([watched.session_id for watched, _ in asked])
            except DatabaseUnavailable:
                self.measures.missed_polls += 1
                continue
            for watched, ends_heard in asked:
                head = heads.get(watched.session_id)
                if head is None:
                    watched.end_deleted()
                    continue
                watched.learn(head, ends_heard)
                self.looks.confirm(watched, head, asked_at, ends_heard)
