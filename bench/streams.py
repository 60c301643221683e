"""Checks that each viewer gets each event once and in order."""

import re
from bisect import bisect_right

from bench.frames import CLOSE, PING, PONG, TEXT, Frame, client_frame, read_frame

NUMBER_MEMBER = "bench"
"""The member of an event's data that numbers the events of a run from 0."""
READY = -1
"""The number of events that only show that the stream flows."""

_NUMBER = re.compile(rb'"bench": ?(-?\d+)')


class SharedStream:
    """The bytes that the viewers of a session get, as the first of them got them.

    Servers send an event to all viewers alike. So the others are only compared, which keeps the
    benchmark cheaper than what it measures.
    """

    def __init__(self) -> None:
        self.content = bytearray()
        self._starts: list[int] = [0]

    @property
    def events(self) -> int:
        """Return how many events are known."""
        return len(self._starts) - 1

    def append(self, frame: bytes) -> None:
        """Add the next event's frame."""
        self.content += frame
        self._starts.append(len(self.content))

    def events_until(self, place: int) -> int:
        """Return how many events are complete at a place."""
        return bisect_right(self._starts, place) - 1

    def start_of(self, event: int) -> int:
        """Return where an event begins, or will."""
        return self._starts[event]


class StreamReader:
    """Follows one viewer; it leaves the shared stream once it gets anything else than that."""

    def __init__(self, stream: SharedStream) -> None:
        self.ready = False
        self.closed = False
        self.doubled = 0
        self.disordered = 0
        self.replies: list[bytes] = []
        self._stream = stream
        self._shares = True
        self._place = 0
        self._next = 0
        self._missing: set[int] = set()
        self._rest = b""

    @property
    def reached(self) -> int:
        """Return the number after the highest event that came."""
        return self._next

    @property
    def delivered(self) -> int:
        """Return how many different events came."""
        return self._next - len(self._missing)

    def take(self, data: bytes) -> None:
        """Take what came from the server."""
        if self._shares and not self._rest and self._matches(data):
            self._advance(len(data))
            return
        buffer = self._undecided() + data
        start = 0
        while frame := read_frame(buffer, start):
            self._take_frame(buffer, start, frame)
            start = frame.end
        self._rest = buffer[start:]
        if self._shares and self._matches(self._rest):
            self._advance(len(self._rest))
            self._rest = b""

    def _matches(self, data: bytes) -> bool:
        return self._stream.content.startswith(data, self._place)

    def _advance(self, length: int) -> None:
        self._place += length
        self._next = self._stream.events_until(self._place)

    def _undecided(self) -> bytes:
        """Return what came of the frame that is not complete yet."""
        if not self._shares:
            return self._rest
        start = self._stream.start_of(self._next)
        begun = bytes(self._stream.content[start : self._place])
        self._place = start
        return begun + self._rest

    def _take_frame(self, buffer: bytes, start: int, frame: Frame) -> None:
        if frame.opcode == PING:
            self.replies.append(client_frame(buffer[frame.payload_at : frame.end], PONG))
        elif frame.opcode == CLOSE:
            self.closed = True
        elif frame.opcode == TEXT and (
            found := _NUMBER.search(buffer, frame.payload_at, frame.end)
        ):
            number = int(found[1])
            if number == READY:
                self.ready = True
            elif not (self._shares and self._share(buffer[start : frame.end], number)):
                self._shares = False
                self._count(number)

    def _share(self, frame: bytes, number: int) -> bool:
        """Go on in the shared stream with an event; who gets it first extends the stream."""
        if number == self._stream.events and self._place == len(self._stream.content):
            self._stream.append(frame)
        elif not self._matches(frame):
            return False
        self._advance(len(frame))
        return True

    def _count(self, number: int) -> None:
        if number >= self._next:
            self._missing.update(range(self._next, number))
            self._next = number + 1
        elif number in self._missing:
            self._missing.remove(number)
            self.disordered += 1
        else:
            self.doubled += 1
