"""The batches that wait for their commit: how many there may be, and which go together."""

import asyncio
from dataclasses import dataclass
from random import randint
from typing import TYPE_CHECKING

from spectraview.errors import Overloaded, StoreUnavailable
from spectraview.observability.tracing import link_here
from spectraview.storage.append import Appended
from spectraview.storage.models import Batch

if TYPE_CHECKING:
    from spectraview.observability.otel import Link

_GROUP_BYTES = 8_388_608
_GROUP_BATCHES = 256
_RETRY_SECONDS = (2, 8)
"""Who was refused at one moment must not come back at one moment."""


@dataclass(slots=True)
class Waiting:
    """A batch whose outcome is not known yet; `since` is in the event loop's time."""

    batch: Batch
    outcome: asyncio.Future[Appended]
    size: int
    since: float
    link: "Link | None"

    @property
    def key(self) -> tuple[object, bytes]:
        """Return what tells it from others that may be stored with it."""
        return self.batch.session_id, self.batch.batch_key

    def fail(self, error: Exception) -> None:
        """Raise an error for who waits, unless the outcome is known."""
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def fail_overdue(self) -> None:
        """Tell who waits that it took too long."""
        self.fail(StoreUnavailable(retry_after=2))


class CommitQueue:
    """Batches in the order of their coming, and the group of them that is being committed.

    Together they hold at most `max_bytes`.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: list[Waiting] = []
        self._group: list[Waiting] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def pending(self) -> tuple[int, int]:
        """Return how many batches wait or are being committed, and the bytes they hold."""
        return len(self._waiting) + len(self._group), self._bytes

    def waited(self, now: float) -> float:
        """Return for how many seconds the first one has waited for its turn, 0 without any."""
        return now - self._waiting[0].since if self._waiting else 0.0

    def check_room(self, size: int = 0) -> None:
        """Raise Overloaded when so many bytes more have no room beside others."""
        if self._bytes and self._bytes + size > self._max_bytes:
            raise overloaded()

    def add(self, batch: Batch) -> Waiting:
        """Let a batch wait for its turn. Raises Overloaded."""
        size = len(batch.event_data) + batch.size_bytes // 16
        self.check_room(size)
        loop = asyncio.get_running_loop()
        waiting = Waiting(batch, loop.create_future(), size, loop.time(), link_here())
        self._waiting.append(waiting)
        self._bytes += size
        return waiting

    def take_group(self) -> list[Waiting]:
        """Take what fits in a group, without what is overdue; a batch whose key is in the group
        already waits for the next.
        """
        group: list[Waiting] = []
        left: list[Waiting] = []
        keys: set[tuple[object, bytes]] = set()
        size = 0
        for waiting in self._waiting:
            if waiting.outcome.done():
                self._bytes -= waiting.size
                continue
            full = len(group) >= _GROUP_BATCHES or (size >= _GROUP_BYTES and group)
            if full or waiting.key in keys:
                left.append(waiting)
                continue
            group.append(waiting)
            keys.add(waiting.key)
            size += len(waiting.batch.event_data)
        self._waiting = left
        self._group = group
        return group

    def let_go(self) -> None:
        """Hold the group no longer: the outcomes of its batches are known."""
        self._bytes -= sum(waiting.size for waiting in self._group)
        self._group = []

    def fail_all(self) -> None:
        """Tell all who wait that it took too long."""
        for waiting in (*self._group, *self._waiting):
            waiting.fail_overdue()


def overloaded() -> Overloaded:
    """Return what tells a client to come again in some seconds."""
    return Overloaded(retry_after=randint(*_RETRY_SECONDS))
