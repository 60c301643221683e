"""The registry of this process's viewers: opens a session's feed for the first one and closes it
after the last.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Self
from uuid import UUID

from spectraview.errors import SessionNotFound
from spectraview.live.beginning import Beginnings
from spectraview.live.broker import Broker
from spectraview.live.connection import Connection
from spectraview.live.pages import Pages
from spectraview.live.presence import Listener, Presence, Watch
from spectraview.live.protocol import (
    NOT_FOUND,
    RECONNECT,
    UNAUTHORIZED,
    Subscription,
    ViewerAccess,
)
from spectraview.live.viewer import Viewer
from spectraview.live.watched import LiveLimits, WatchedSession
from spectraview.storage.cache import Cache, channel_of
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.messages import InvalidMessage, decode_message
from spectraview.storage.models import Session
from spectraview.storage.shared import SharedCalls
from spectraview.storage.store import Head, Store

logger = logging.getLogger(__name__)

_LOCKS = 64
_LONGEST_RECONNECT_DELAY_MS = 2000
_DRAIN_STEPS = 20
_DRAIN_PAUSE = 0.1
_LEAST_DRAINED_AT_ONCE = 10
_DRAIN_GRACE = 2.0
"""Seconds that the last viewers have to answer the close before they are cut."""


class Hub:
    """Shows sessions to viewers; use as an async context manager."""

    def __init__(
        self,
        redis_url: str,
        store: Store,
        cache: Cache,
        limits: LiveLimits,
        *,
        head_interval: float,
    ) -> None:
        self._store = store
        self._cache = cache
        self._limits = limits
        self._head_interval = head_interval
        self._pages = Pages(store)
        self._watched: dict[UUID, WatchedSession] = {}
        self._opening = [asyncio.Lock() for _ in range(_LOCKS)]
        self._sessions: SharedCalls[Session | None] = SharedCalls("join-session")
        self._beginnings = Beginnings(store)
        self._poll_now = asyncio.Event()
        self._broker = Broker(redis_url, self._poll_now.set)
        self.presence = Presence(cache, self._broker)
        self._task: asyncio.Task[None] | None = None
        self._unsubscribed: set[Connection] = set()
        self._draining = False
        self.viewer_count = 0

    async def __aenter__(self) -> Self:
        await self._broker.__aenter__()
        await self.presence.__aenter__()
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
        await self.presence.__aexit__(kind, error, trace)
        await self._broker.__aexit__(kind, error, trace)

    async def session(self, session_id: UUID, app_id: str | None) -> Session:
        """Return the session as it is now; viewers that come at the same moment share one look.
        Raises SessionNotFound.
        """
        session = await self._sessions.get(
            session_id, lambda: self._store.fetch_session(session_id)
        )
        if session is None or app_id not in (None, session.app_id):
            raise SessionNotFound
        return session

    async def show(
        self,
        session_id: UUID,
        access: ViewerAccess,
        connection: Connection,
        subscription: Subscription,
    ) -> None:
        """Show a session to a viewer until one of them ends.

        Raises ViewerClosed with the code to close with, Stalled, SessionNotFound and
        DatabaseUnavailable.
        """
        async with self._watching(session_id, access.app_id) as watched:
            session = await self.session(session_id, access.app_id)
            position, sequence = await self._beginnings.find(
                session, subscription.start, watched.head
            )
            viewer = Viewer(connection, subscription, position, sequence, access.key_id)
            viewer.tell(_subscribed(session, watched, sequence))
            async with self.presence.listening(session_id, _teller(viewer)):
                with self._counted(watched, viewer), _expiring(viewer, access):
                    self._cache.want_snapshot(session_id)
                    await watched.follow(viewer)

    def cut(self, key_ids: Collection[int]) -> None:
        """Close the viewers that watch by one of these keys, which are no longer good."""
        for watched in self._watched.values():
            for viewer in list(watched.viewers):
                if viewer.key_id in key_ids:
                    viewer.end(UNAUTHORIZED, "key revoked")

    @contextmanager
    def greeting(self, connection: Connection) -> Iterator[None]:
        """Know a connection while it has yet to subscribe."""
        self._unsubscribed.add(connection)
        try:
            yield
        finally:
            self._unsubscribed.discard(connection)

    async def drain(self) -> None:
        """Send all viewers elsewhere: some at a time, so that they don't all come back at once.

        Who has not answered the close some time later is cut.
        """
        self._draining = True
        viewers = [viewer for watched in self._watched.values() for viewer in watched.viewers]
        random.shuffle(viewers)
        at_once = max(_LEAST_DRAINED_AT_ONCE, math.ceil(len(viewers) / _DRAIN_STEPS))
        for start in range(0, len(viewers), at_once):
            if start:
                await asyncio.sleep(_DRAIN_PAUSE)
            for viewer in viewers[start : start + at_once]:
                _send_elsewhere(viewer)
        connections = {viewer.connection for viewer in viewers} | self._unsubscribed
        asyncio.get_running_loop().call_later(_DRAIN_GRACE, _cut, connections)

    @contextmanager
    def _counted(self, watched: WatchedSession, viewer: Viewer) -> Iterator[None]:
        """Count a viewer in while the context lasts, and tell all processes."""
        watched.add(viewer)
        self.presence.note(watched.session_id, len(watched.viewers))
        try:
            yield
        finally:
            watched.remove(viewer)
            self.presence.note(watched.session_id, len(watched.viewers))

    @asynccontextmanager
    async def _watching(
        self, session_id: UUID, app_id: str | None
    ) -> AsyncIterator[WatchedSession]:
        self.viewer_count += 1
        try:
            watched = await self._open(session_id, app_id)
            try:
                yield watched
            finally:
                watched.users -= 1
                await self._close_unused(watched)
        finally:
            self.viewer_count -= 1

    async def _open(self, session_id: UUID, app_id: str | None) -> WatchedSession:
        """Return the watched session, subscribed before its head is read: nothing can fall between
        the two.
        """
        async with self._opening[hash(session_id) % _LOCKS]:
            watched = self._watched.get(session_id)
            if watched is None:
                session = await self.session(session_id, app_id)
                await self._broker.subscribe(
                    channel_of(session_id), lambda data: self._receive(session_id, data)
                )
                try:
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
            self._cache,
            self._pages,
            self._limits,
        )
        self._watched[session.session_id] = watched
        return watched

    async def _close_unused(self, watched: WatchedSession) -> None:
        session_id = watched.session_id
        async with self._opening[hash(session_id) % _LOCKS]:
            if watched.users or self._watched.get(session_id) is not watched:
                return
            del self._watched[session_id]
            self._pages.forget(session_id)
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
            try:
                heads = await self._store.fetch_heads(list(self._watched))
            except DatabaseUnavailable:
                continue
            for session_id, watched in list(self._watched.items()):
                self._compare(watched, heads.get(session_id))

    def _compare(self, watched: WatchedSession, head: Head | None) -> None:
        if head is not None:
            watched.learn(head)
            return
        for viewer in list(watched.viewers):
            viewer.end(NOT_FOUND, "session deleted")


def _teller(viewer: Viewer) -> Listener:
    """Return what tells a viewer how many watch with it."""

    def tell(watch: Watch) -> None:
        if watch.viewers is not None:
            viewer.tell({"type": "viewers", "viewers": watch.viewers})

    return tell


@contextmanager
def _expiring(viewer: Viewer, access: ViewerAccess) -> Iterator[None]:
    """Close a viewer when its right to watch ends."""
    if access.expires_at is None:
        yield
        return
    loop = asyncio.get_running_loop()
    left = max(0.0, access.expires_at - time.time())
    expiry = loop.call_later(left, viewer.end, UNAUTHORIZED, "token expired")
    try:
        yield
    finally:
        expiry.cancel()


def _send_elsewhere(viewer: Viewer) -> None:
    """Close a viewer's connection; protocol 2 is told to come back after a delay of its own."""
    delay = random.randrange(_LONGEST_RECONNECT_DELAY_MS)
    viewer.tell({"type": "reconnect", "delay": delay})
    viewer.end(RECONNECT, "reconnect")


def _cut(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.abort()


def _subscribed(session: Session, watched: WatchedSession, sequence: int) -> dict[str, object]:
    return {
        "type": "subscribed",
        "protocol": 2,
        "sessionId": str(session.session_id),
        "sequence": sequence,
        "head": watched.head.sequence,
        "keyframe": session.keyframe_sequence,
        "live": not session.ended,
    }
