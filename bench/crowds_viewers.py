"""A crowd of viewers that come at the same moment: plain sockets and one selector."""

import json
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from uuid import UUID

from bench.crowds_messages import MessageReader
from bench.errors import BenchError
from bench.figures import Figure, percentile
from bench.frames import client_frame
from bench.target import Target
from bench.viewers import TIMEOUT, after_upgrade, allow_files, upgrade_request

_TICK = 0.1
_RECEIVE = 1_048_576
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


@dataclass(slots=True)
class _Viewer:
    socket: socket.socket
    reader: MessageReader = field(default_factory=MessageReader)
    asked: bool = False
    upgraded: bool = False
    answer: bytes = b""
    synced_at: float | None = None


class Crowd:
    """Viewers of one session, by protocol 2; use as a context manager."""

    def __init__(self, target: Target, session_id: UUID, start: object) -> None:
        self.received_bytes = 0
        self._request = upgrade_request(target, f"/api/sessions/{session_id}/live")
        message = {"type": "subscribe", "sessionId": str(session_id), "protocol": 2, "from": start}
        self._subscribe = client_frame(json.dumps(message).encode())
        self._target = target
        self._selector = selectors.DefaultSelector()
        self._viewers: list[_Viewer] = []
        self._synced = 0
        self._begun = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._selector.close()
        for viewer in self._viewers:
            viewer.socket.close()

    def come(self, count: int, timeout: float) -> None:
        """Connect and subscribe all at once; return when all are synced. Raises BenchError."""
        allow_files(count)
        with socket.create_connection((self._target.host, self._target.port), TIMEOUT) as probe:
            family, address = probe.family, probe.getpeername()
        self._begun = time.perf_counter()
        for _ in range(count):
            viewer = _Viewer(socket.socket(family))
            self._viewers.append(viewer)
            viewer.socket.setblocking(False)
            viewer.socket.connect_ex(address)
            self._selector.register(viewer.socket, _BOTH, viewer)
        self._receive_until(lambda: self._synced == count, timeout)

    def stay(self, seconds: float) -> None:
        """Take what comes for a time."""
        self._receive_until(lambda: False, seconds)

    def figures(self) -> list[Figure]:
        """Say how many are synced and since when, and how much came."""
        moments = self._synced_seconds()
        seconds = [percentile(moments, percent) for percent in (50, 100)]
        return [
            Figure("viewers", len(self._viewers)),
            Figure("viewers synced", len(moments)),
            Figure("half are synced after s", seconds[0], "less"),
            Figure("all are synced after s", seconds[1] if self._complete() else None, "less"),
            Figure("MB received", self.received_bytes / 1e6),
            Figure("events received", sum(viewer.reader.events for viewer in self._viewers)),
            Figure("out of place", self._misplaced()),
        ]

    def problems(self) -> list[str]:
        """Say what is wrong."""
        found = []
        closed = sum(viewer.reader.closed for viewer in self._viewers)
        if not self._complete():
            found.append(f"{len(self._viewers) - self._synced} viewers were not synced in time")
        if closed:
            found.append(f"{closed} viewers were cut off")
        if self._misplaced():
            found.append("not every viewer got every event once and in order")
        return found

    def events_of_each(self) -> set[int]:
        """Return the different numbers of events that viewers got."""
        return {viewer.reader.events for viewer in self._viewers}

    def _complete(self) -> bool:
        return self._synced == len(self._viewers)

    def _misplaced(self) -> int:
        return sum(viewer.reader.misplaced for viewer in self._viewers)

    def _synced_seconds(self) -> Sequence[float]:
        moments = [viewer.synced_at for viewer in self._viewers if viewer.synced_at is not None]
        return sorted(moment - self._begun for moment in moments)

    def _receive_until(self, finished: Callable[[], bool], seconds: float) -> None:
        deadline = time.perf_counter() + seconds
        while not finished() and self._selector.get_map() and time.perf_counter() < deadline:
            for key, _ in self._selector.select(_TICK):
                viewer: _Viewer = key.data
                try:
                    self._advance(viewer)
                except OSError:
                    self._lose(viewer)

    def _advance(self, viewer: _Viewer) -> None:
        if not viewer.asked:
            viewer.socket.send(self._request)
            viewer.asked = True
            self._selector.modify(viewer.socket, selectors.EVENT_READ, viewer)
            return
        data = viewer.socket.recv(_RECEIVE)
        if not data:
            self._lose(viewer)
        elif viewer.upgraded:
            self._read(viewer, data)
        else:
            self._upgrade(viewer, data)

    def _upgrade(self, viewer: _Viewer, data: bytes) -> None:
        viewer.answer += data
        rest = after_upgrade(viewer.answer)
        if rest is not None:
            viewer.upgraded = True
            viewer.socket.send(self._subscribe)
            self._read(viewer, rest)

    def _read(self, viewer: _Viewer, data: bytes) -> None:
        reader = viewer.reader
        self.received_bytes += len(data)
        reader.take(data)
        for reply in reader.replies:
            viewer.socket.send(reply)
        reader.replies.clear()
        if reader.synced and viewer.synced_at is None:
            viewer.synced_at = time.perf_counter()
            self._synced += 1

    def _lose(self, viewer: _Viewer) -> None:
        if not viewer.upgraded:
            raise BenchError("The server closed a viewer's connection before it was a WebSocket")
        viewer.reader.closed = True
        self._selector.unregister(viewer.socket)
