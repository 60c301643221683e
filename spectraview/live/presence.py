"""Who watches a session, on all processes: told to its viewers and its SDK when it changes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from spectraview.live.broker import Broker
from spectraview.live.cluster_broker import ClusterBroker
from spectraview.storage.cache import SNAPSHOT_WANTED, Cache, watch_channel_of

logger = logging.getLogger(__name__)

_RENEW_INTERVAL = 15.0
_SETTLE_SECONDS = 0.05
"""A crowd that comes at once is counted once."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What changed: how many watch now, or (None) that somebody wants a full snapshot."""

    viewers: int | None


Listener = Callable[[Watch], None]


class Presence:
    """Notes this process's viewers in Redis and listens to what the others note.

    Use as an async context manager, inside the broker's.
    """

    def __init__(self, cache: Cache, broker: Broker | ClusterBroker) -> None:
        self._cache = cache
        self._broker = broker
        self._process = uuid4().hex
        self._local: dict[UUID, int] = {}
        self._listeners: dict[UUID, list[Listener]] = {}
        self._changed: set[UUID] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._recount(), name="presence-recount"),
            asyncio.create_task(self._renew(), name="presence-renew"),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def note(self, session_id: UUID, viewers: int) -> None:
        """Tell all processes how many viewers of a session this one has."""
        if viewers:
            self._local[session_id] = viewers
        else:
            self._local.pop(session_id, None)
        self._cache.note_viewers(session_id, self._process, viewers)

    @asynccontextmanager
    async def listening(self, session_id: UUID, listener: Listener) -> AsyncIterator[None]:
        """Call `listener` with what changes for a session while the context lasts."""
        listeners = self._listeners.setdefault(session_id, [])
        listeners.append(listener)
        channel = watch_channel_of(session_id)
        try:
            if len(listeners) == 1:
                await self._broker.subscribe(channel, lambda data: self._hear(session_id, data))
            yield
        finally:
            listeners.remove(listener)
            if not listeners and self._listeners.get(session_id) is listeners:
                del self._listeners[session_id]
                await self._broker.unsubscribe(channel)

    def _hear(self, session_id: UUID, data: bytes) -> None:
        if data == SNAPSHOT_WANTED:
            self._tell(session_id, Watch(None))
        else:
            self._changed.add(session_id)
            self._wake.set()

    def _tell(self, session_id: UUID, watch: Watch) -> None:
        for listener in list(self._listeners.get(session_id, ())):
            listener(watch)

    async def _recount(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
            self._wake.clear()
            changed, self._changed = self._changed, set()
            for session_id in changed:
                viewers = await self._cache.count_viewers(session_id)
                if viewers is not None:
                    self._tell(session_id, Watch(viewers))

    async def _renew(self) -> None:
        """Note the viewers again, before what was noted counts no more."""
        while True:
            await asyncio.sleep(_RENEW_INTERVAL)
            for session_id, viewers in self._local.items():
                self._cache.note_viewers(session_id, self._process, viewers)
