"""Viewers that subscribe and then read nothing, as behind a network that has died."""

import json
import select
import socket
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from uuid import UUID

from bench.frames import client_frame
from bench.target import Target
from bench.viewers import TIMEOUT, allow_files, upgrade

_RECEIVE_BUFFER = 4096
_SEGMENT_BYTES = 1460
"""As on Ethernet: the loopback's 64 KiB would let the kernel buffer megabytes for each."""
_TICK_MS = 100


class SilentViewers:
    """Stalled viewers and how long the server keeps them; use as a context manager."""

    def __init__(self, target: Target, session_id: UUID) -> None:
        self.cut_after: list[float] = []
        self._target = target
        self._path = f"/api/sessions/{session_id}/live"
        message = {"type": "subscribe", "sessionId": str(session_id), "from": "now"}
        self._subscribe = client_frame(json.dumps(message).encode())
        self._since: dict[int, float] = {}
        self._sockets: list[socket.socket] = []
        self._leaving = threading.Event()
        self._watcher = threading.Thread(target=self._note_cuts, name="stalled", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        if self._watcher.ident is not None:
            self._watcher.join()
        for connection in self._sockets:
            connection.close()

    def come(self, count: int) -> None:
        """Connect and subscribe. Raises BenchError."""
        allow_files(count)
        for _ in range(count):
            connection = self._connected()
            self._sockets.append(connection)
            upgrade(connection, self._target, self._path)
            connection.sendall(self._subscribe)
            self._since[connection.fileno()] = time.perf_counter()
        self._watcher.start()

    def wait_until_cut(self, timeout: float) -> Sequence[float]:
        """Wait for the last to be cut, no longer than so many seconds after it came.

        Return how many seconds after its subscription each that was cut was cut.
        """
        if self._since:
            latest = max(self._since.values()) + timeout
            self._watcher.join(max(0.0, latest - time.perf_counter()))
        return sorted(self.cut_after)

    def _connected(self) -> socket.socket:
        host, port = self._target.host, self._target.port
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        connection = socket.socket(family, kind, protocol)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
        connection.settimeout(TIMEOUT)
        connection.connect(address)
        return connection

    def _note_cuts(self) -> None:
        """Note resets, which are told although nothing is read."""
        poller = select.poll()
        waiting = set(self._since)
        for descriptor in waiting:
            poller.register(descriptor, 0)
        while waiting and not self._leaving.is_set():
            for descriptor, _ in poller.poll(_TICK_MS):
                self.cut_after.append(time.perf_counter() - self._since[descriptor])
                poller.unregister(descriptor)
                waiting.remove(descriptor)
