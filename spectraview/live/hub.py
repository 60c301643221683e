"""Shows sessions to viewers: where each begins, by what right it watches, and how it leaves."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from uuid import UUID

from spectraview.live.beginning import Beginnings
from spectraview.live.cluster_broker import open_broker
from spectraview.live.connection import Connection, Stalled
from spectraview.live.presence import Listener, Presence, Watch
from spectraview.live.protocol import (
    RECONNECT,
    UNAUTHORIZED,
    Subscription,
    ViewerAccess,
)
from spectraview.live.registry import WatchedSessions
from spectraview.live.viewer import Viewer
from spectraview.live.watched import Crowd, LiveLimits, WatchedSession
from spectraview.observability.measures import LiveMeasures
from spectraview.storage.batches import BatchReader
from spectraview.storage.cache import Cache
from spectraview.storage.models import Session
from spectraview.storage.store import Store

logger = logging.getLogger(__name__)

_LONGEST_RECONNECT_DELAY_MS = 2000
_DRAIN_STEPS = 20
_DRAIN_PAUSE = 0.1
_LEAST_DRAINED_AT_ONCE = 10
_DRAIN_GRACE = 2.0
"""Seconds that the last viewers have to answer the close before they are cut."""
_DEGRADED: dict[str, object] = {"type": "degraded", "degraded": True}
_RECOVERED: dict[str, object] = {"type": "degraded", "degraded": False}


class Hub:
    """Shows sessions to viewers; use as an async context manager."""

    def __init__(
        self,
        redis_url: str,
        store: Store,
        batches: BatchReader,
        cache: Cache,
        limits: LiveLimits,
        *,
        head_interval: float,
    ) -> None:
        self._cache = cache
        self._broker = open_broker(redis_url, self._notice_connection)
        self._sessions = WatchedSessions(
            store, batches, cache, self._broker, limits, head_interval=head_interval
        )
        self._beginnings = Beginnings(store, self._sessions.looks)
        self.presence = Presence(cache, self._broker)
        self._unsubscribed: set[Connection] = set()
        self._draining = False
        self.viewer_count = 0

    async def __aenter__(self) -> Self:
        await self._broker.__aenter__()
        await self.presence.__aenter__()
        await self._sessions.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._sessions.__aexit__(kind, error, trace)
        await self.presence.__aexit__(kind, error, trace)
        await self._broker.__aexit__(kind, error, trace)

    @property
    def connection_count(self) -> int:
        """Return how many watch, or are about to."""
        return self.viewer_count + len(self._unsubscribed)

    @property
    def measures(self) -> LiveMeasures:
        """Return what viewers were shown."""
        return self._sessions.measures

    def crowd(self) -> Crowd:
        """Return how many sessions are watched here, and how far their viewers are behind."""
        lags = [lag for watched in self._sessions for lag in watched.lags()]
        return Crowd(sum(1 for _ in self._sessions), len(lags), max(lags, default=0))

    async def session(self, session_id: UUID, app_id: str | None) -> Session:
        """Return the session as it was a moment ago. Raises SessionNotFound."""
        return await self._sessions.session(session_id, app_id)

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
        self.viewer_count += 1
        try:
            async with self._sessions.watching(session_id, access.app_id) as watched:
                await self._show(watched, access, connection, subscription)
        except Stalled:
            self.measures.stalled += 1
            raise
        finally:
            self.viewer_count -= 1

    async def _show(
        self,
        watched: WatchedSession,
        access: ViewerAccess,
        connection: Connection,
        subscription: Subscription,
    ) -> None:
        session = await self._sessions.session(watched.session_id, access.app_id)
        position, sequence = await self._beginnings.find(session, subscription.start, watched.head)
        viewer = Viewer(connection, subscription, position, sequence, access.key_id)
        viewer.tell(_subscribed(session, watched, sequence))
        if not self._broker.connected:
            viewer.tell(_DEGRADED)
        async with self.presence.listening(session.session_id, _teller(viewer)):
            with self._counted(watched, viewer), _expiring(viewer, access):
                if self._draining:
                    _send_elsewhere(viewer)
                self._cache.want_snapshot(session.session_id)
                await watched.follow(viewer)

    def cut(self, key_ids: Collection[int]) -> None:
        """Close the viewers that watch by one of these keys, which are no longer good."""
        for watched in self._sessions:
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
        viewers = [viewer for watched in self._sessions for viewer in watched.viewers]
        random.shuffle(viewers)
        at_once = max(_LEAST_DRAINED_AT_ONCE, math.ceil(len(viewers) / _DRAIN_STEPS))
        for start in range(0, len(viewers), at_once):
            if start:
                await asyncio.sleep(_DRAIN_PAUSE)
            for viewer in viewers[start : start + at_once]:
                _send_elsewhere(viewer)
        connections = {viewer.connection for viewer in viewers} | self._unsubscribed
        asyncio.get_running_loop().call_later(_DRAIN_GRACE, _cut, connections)

    def _notice_connection(self, connected: bool) -> None:
        """Tell the viewers when batches come late, since only the store tells of them, and when
        they come at once again.
        """
        if connected:
            self._sessions.poll_now()  # what was published meanwhile is found in the store
        else:
            self.measures.connections_lost += 1
        for watched in self._sessions:
            for viewer in list(watched.viewers):
                viewer.tell(_RECOVERED if connected else _DEGRADED)

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
