"""Sessions that play recordings, and the pace at which their batches leave."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from uuid import UUID, uuid4

from bench.recordings import BatchBody, Recording

_GOLDEN_RATIO = 0.6180339887498949


class Player:
    """A session that posts the batches of one recording, each once and in order."""

    def __init__(self, recording: Recording, position: int = 0) -> None:
        self.session_id: UUID = uuid4()
        self._batches = recording.batches
        self._position = position

    @property
    def finished(self) -> bool:
        """Tell whether all batches have been taken."""
        return self._position == len(self._batches)

    def next_batch(self) -> BatchBody:
        """Take the next batch."""
        batch = self._batches[self._position]
        self._position += 1
        return batch


class Players:
    """An endless supply of players, the recordings in turn."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = cycle(recordings)

    def new(self) -> Player:
        """Return a player at the beginning of the next recording."""
        return Player(next(self._recordings))

    def under_way(self, count: int) -> Iterator[Player]:
        """Yield players spread over their recordings, as sessions are that run at one moment."""
        for number in range(count):
            recording = next(self._recordings)
            yield Player(recording, int(number * _GOLDEN_RATIO % 1 * len(recording.batches)))


class Pace:
    """Spaces events evenly in time, or not at all without a load."""

    def __init__(self, events_per_second: float | None) -> None:
        self._rate = events_per_second
        self._next = time.perf_counter()

    async def wait(self, events: int) -> float:
        """Wait for the turn of that many events and return when it was.

        Who comes late, since all connections were busy, is told the time that it missed.
        """
        if self._rate is None:
            return time.perf_counter()
        due = self._next
        self._next += events / self._rate
        delay = due - time.perf_counter()
        if delay <= 0:
            return due
        await asyncio.sleep(delay)
        return time.perf_counter()
