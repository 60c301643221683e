"""What a process has taken on: the requests that run, the bytes of their bodies, and whether it is
about to stop.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from spectraview.errors import Overloaded

_HEAD = 14
"""Bytes before a WebSocket's frame."""
_MOST_HEADS = 65_536


class Admission:
    """Bounds what the bodies of running requests hold in memory.

    Bytes count once they have come: whoever announces much and sends little takes nobody's room.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes_in_flight = 0
        self.draining = False
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def request(self) -> Iterator["Place"]:
        """Count a request, and the bytes of its body, while it runs."""
        place = Place(self)
        self._requests += 1
        self._idle.clear()
        try:
            yield place
        finally:
            place.leave()
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    @property
    def requests(self) -> int:
        """Return how many requests run."""
        return self._requests

    async def idle(self) -> None:
        """Return when no request runs."""
        await self._idle.wait()


class Place:
    """One request's part of the bytes in flight."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Return how much of the body has come, as it was sent."""
        return self._bytes

    def check(self, size: int) -> None:
        """Raise Overloaded when so many bytes more have no room beside those of other requests."""
        in_flight = self._admission.bytes_in_flight
        if in_flight > self._bytes and in_flight + size > self._admission.max_bytes:
            raise Overloaded(retry_after=1)

    def take(self, size: int) -> None:
        """Count bytes that have come. Raises Overloaded."""
        self.check(size)
        self._admission.bytes_in_flight += size
        self._bytes += size

    def give_back(self, size: int) -> None:
        """Count bytes no more that were worked on.

        More may have come than a message holds, the heads of its frames, or the beginning of the
        next: little is taken for the former.
        """
        left = self._bytes - size
        self._give(self._bytes if left <= min(size // 16 + _HEAD, _MOST_HEADS) else size)

    def leave(self) -> None:
        """Give back what was taken."""
        self._give(self._bytes)

    def _give(self, size: int) -> None:
        self._admission.bytes_in_flight -= size
        self._bytes -= size
