"""Many viewers in one process: plain sockets and one selector."""

import base64
import json
import os
import resource
import selectors
import signal
import socket
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Literal

from bench.errors import BenchError, RateLimited
from bench.frames import client_frame
from bench.recordings import BATCH_SIZE
from bench.streams import SharedStream, StreamReader
from bench.target import Target

TIMEOUT = 20.0
_TICK = 0.2
_SILENCE = 5.0
_RECEIVE = 131_072
_SPARE_FILES = 64


@dataclass(frozen=True, slots=True)
class Failed:
    """The viewers cannot go on."""

    message: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What all viewers got; `arrivals[i]` are the moments at which batch i was complete."""

    delivered: int
    lost: int
    doubled: int
    disordered: int
    closed: int
    arrivals: Sequence["array[float]"] = field(repr=False)


Report = Literal["connected", "ready"] | Failed | Watched


def watch(link: Connection, target: Target, path: str, session_id: str, count: int) -> None:
    """Watch a session with `count` viewers; the main function of the process.

    Tells through the link when all are connected and when all get events; once it has been told how
    many batches there are and they have come, or nothing comes any more, sends what came.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    try:
        viewers = _Viewers(link)
        viewers.connect(target, path, session_id, count)
        link.send("connected")
        link.send(viewers.watch())
    except (BenchError, OSError) as error:
        link.send(Failed(str(error)))


@dataclass(slots=True)
class _Viewer:
    socket: socket.socket
    reader: StreamReader
    batches: int = 0


class _Viewers:
    def __init__(self, link: Connection) -> None:
        self._link = link
        self._selector = selectors.DefaultSelector()
        self._stream = SharedStream()
        self._viewers: list[_Viewer] = []
        self._arrivals: list[array[float]] = []
        self._batches: int | None = None
        self._complete = 0
        self._ready = 0

    def connect(self, target: Target, path: str, session_id: str, count: int) -> None:
        """Open and subscribe all viewers. Raises BenchError."""
        allow_files(count)
        subscribe = json.dumps({"type": "subscribe", "sessionId": session_id}).encode()
        for _ in range(count):
            connection = socket.create_connection((target.host, target.port), timeout=TIMEOUT)
            rest = upgrade(connection, target, path)
            connection.sendall(client_frame(subscribe))
            connection.setblocking(False)
            viewer = _Viewer(connection, StreamReader(self._stream))
            viewer.reader.take(rest)
            self._viewers.append(viewer)
            self._selector.register(connection, selectors.EVENT_READ, viewer)

    def watch(self) -> Watched:
        """Receive until everything has come, or nothing comes any more."""
        self._selector.register(self._link, selectors.EVENT_READ)
        last = time.perf_counter()
        while not self._finished(time.perf_counter() - last):
            for key, _ in self._selector.select(_TICK):
                if key.data is None:
                    self._batches = self._link.recv()
                    last = time.perf_counter()
                elif self._receive(key.data):
                    last = time.perf_counter()
        return self._watched()

    def _finished(self, silence: float) -> bool:
        if self._batches is None:
            return False
        everything = self._complete >= self._batches * len(self._viewers)
        return everything or silence > _SILENCE

    def _receive(self, viewer: _Viewer) -> bool:
        """Take what came for a viewer; tell whether it was more than a ping."""
        reader = viewer.reader
        try:
            data = viewer.socket.recv(_RECEIVE)
        except OSError:
            data = b""
        was_ready, reached = reader.ready, reader.reached
        reader.take(data)
        if reader.ready and not was_ready:
            self._note_ready()
        for reply in reader.replies:
            viewer.socket.send(reply)
        reader.replies.clear()
        if not data or reader.closed:
            reader.closed = True
            self._selector.unregister(viewer.socket)
        self._note_batches(viewer)
        return reader.reached > reached

    def _note_ready(self) -> None:
        self._ready += 1
        if self._ready == len(self._viewers):
            self._link.send("ready")

    def _note_batches(self, viewer: _Viewer) -> None:
        complete = viewer.reader.reached // BATCH_SIZE
        if complete == viewer.batches:
            return
        now = time.perf_counter()
        while len(self._arrivals) < complete:
            self._arrivals.append(array("d"))
        for batch in range(viewer.batches, complete):
            self._arrivals[batch].append(now)
        self._complete += complete - viewer.batches
        viewer.batches = complete

    def _watched(self) -> Watched:
        readers = [viewer.reader for viewer in self._viewers]
        expected = (self._batches or 0) * BATCH_SIZE * len(readers)
        delivered = sum(reader.delivered for reader in readers)
        return Watched(
            delivered=delivered,
            lost=expected - delivered,
            doubled=sum(reader.doubled for reader in readers),
            disordered=sum(reader.disordered for reader in readers),
            closed=sum(reader.closed for reader in readers),
            arrivals=self._arrivals,
        )


def upgrade_request(target: Target, path: str) -> bytes:
    """Return the request that makes a connection a WebSocket."""
    return (
        f"GET {target.prefix}{path} HTTP/1.1\r\n"
        f"Host: {target.host}:{target.port}\r\n"
        "Connection: Upgrade\r\n"
        "Upgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
        f"X-API-Key: {target.keys.read}\r\n\r\n"
    ).encode()


def upgrade(connection: socket.socket, target: Target, path: str) -> bytes:
    """Make a connection a WebSocket; return what came after the handshake. Raises BenchError."""
    connection.sendall(upgrade_request(target, path))
    received = b""
    while (rest := after_upgrade(received)) is None:
        data = connection.recv(_RECEIVE)
        if not data:
            raise BenchError(f"The server closed the viewer's connection: {received[:200]!r}")
        received += data
    return rest


def after_upgrade(received: bytes) -> bytes | None:
    """Return what came after the handshake, None while it is not complete. Raises BenchError."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return None
    status = head.split(b" ", 2)[1]
    if status == b"429":
        raise RateLimited
    if status != b"101":
        raise BenchError(f"The server refused a viewer: {head[:200]!r}")
    return rest


def allow_files(count: int) -> None:
    """Let this process open so many sockets. Raises BenchError."""
    count += _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise BenchError(f"{count} files must be open; the limit is {hard} (ulimit -n)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
