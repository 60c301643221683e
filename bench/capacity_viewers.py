"""The viewers ladder: viewers of many sessions that all post, in a process of their own."""

import json
import multiprocessing
import selectors
import signal
import socket
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from uuid import UUID

from bench.crowds_messages import MessageReader
from bench.errors import BenchError
from bench.frames import client_frame
from bench.recordings import BATCH_SIZE
from bench.target import Target
from bench.viewers import TIMEOUT, Failed, allow_files, upgrade

VIEWERS_OF_EACH = 10
_TICK = 0.1
_RECEIVE = 1_048_576
_SILENCE = 5.0
_CONNECT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the viewers got: for each batch the moment, its session and its number in that."""

    moments: "array[float]" = field(repr=False)
    sessions: "array[int]" = field(repr=False)
    batches: "array[int]" = field(repr=False)
    events: int
    misplaced: int
    closed: int
    """Viewers that were cut off before they had everything."""


@dataclass(slots=True)
class _Viewer:
    socket: socket.socket
    session: int
    reader: MessageReader = field(default_factory=MessageReader)
    batches: int = 0


def watch_many(link: Connection, target: Target, session_ids: Sequence[UUID], count: int) -> None:
    """Let `count` viewers watch the sessions in turn; the main function of the process.

    Tells through the link when all are subscribed; once it has been told how many events each
    session has and all viewers have them, or nothing comes any more, sends what came.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    try:
        allow_files(count)
        watchers = _Watchers(link)
        watchers.connect(target, session_ids, count)
        link.send("subscribed")
        link.send(watchers.watch())
    except (BenchError, OSError) as error:
        link.send(Failed(str(error)))


class _Watchers:
    def __init__(self, link: Connection) -> None:
        self._link = link
        self._selector = selectors.DefaultSelector()
        self._viewers: list[_Viewer] = []
        self._moments = array("d")
        self._sessions = array("L")
        self._batches = array("L")
        self._expected: Sequence[int] | None = None

    def connect(self, target: Target, session_ids: Sequence[UUID], count: int) -> None:
        """Subscribe all viewers, each from now on. Raises BenchError."""
        for number in range(count):
            session = number % len(session_ids)
            session_id = str(session_ids[session])
            connection = socket.create_connection((target.host, target.port), timeout=TIMEOUT)
            rest = upgrade(connection, target, f"/api/sessions/{session_id}/live")
            message = {"type": "subscribe", "sessionId": session_id, "protocol": 2, "from": "now"}
            connection.sendall(client_frame(json.dumps(message).encode()))
            viewer = _Viewer(connection, session)
            viewer.reader.take(rest)
            while not viewer.reader.subscribed:
                viewer.reader.take(_some(connection))
            connection.setblocking(False)
            self._viewers.append(viewer)
            self._selector.register(connection, selectors.EVENT_READ, viewer)

    def watch(self) -> Seen:
        """Receive until everything has come, or nothing comes any more."""
        self._selector.register(self._link, selectors.EVENT_READ)
        last = time.perf_counter()
        while not self._finished(time.perf_counter() - last):
            for key, _ in self._selector.select(_TICK):
                if key.data is None:
                    self._expected = self._link.recv()
                    last = time.perf_counter()
                elif self._receive(key.data):
                    last = time.perf_counter()
        readers = [viewer.reader for viewer in self._viewers]
        early = [v for v in self._viewers if v.reader.closed and not self._has_all(v)]
        return Seen(
            *(self._moments, self._sessions, self._batches),
            events=sum(reader.events for reader in readers),
            misplaced=sum(reader.misplaced for reader in readers),
            closed=len(early),
        )

    def _finished(self, silence: float) -> bool:
        if self._expected is None:
            return False
        return silence > _SILENCE or all(map(self._has_all, self._viewers))

    def _has_all(self, viewer: _Viewer) -> bool:
        return self._expected is not None and (
            viewer.reader.events >= self._expected[viewer.session]
        )

    def _receive(self, viewer: _Viewer) -> bool:
        """Take what came for a viewer; tell whether it was a batch."""
        reader = viewer.reader
        try:
            data = viewer.socket.recv(_RECEIVE)
        except OSError:
            data = b""
        reader.take(data)
        for reply in reader.replies:
            viewer.socket.send(reply)
        reader.replies.clear()
        if not data or reader.closed:
            reader.closed = True
            self._selector.unregister(viewer.socket)
        now, complete = time.perf_counter(), reader.events // BATCH_SIZE
        new = range(viewer.batches, complete)
        viewer.batches = complete
        self._moments.extend([now] * len(new))
        self._sessions.extend([viewer.session] * len(new))
        self._batches.extend(new)
        return bool(new)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(_RECEIVE)
    if not data:
        raise BenchError("The server closed a viewer's connection")
    return data


class Viewers:
    """The other end of the link."""

    def __init__(self, link: Connection) -> None:
        self._link = link

    def subscribed(self) -> None:
        """Return when all watch. Raises BenchError."""
        self._receive()

    def seen(self, events: Sequence[int]) -> Seen:
        """Return what came once each session has had so many events. Raises BenchError."""
        self._link.send(events)
        seen = self._receive()
        assert isinstance(seen, Seen), "it comes after all are subscribed"
        return seen

    def _receive(self) -> object:
        try:
            report = self._link.recv() if self._link.poll(_CONNECT_SECONDS) else None
        except EOFError:
            report = None
        if report is None:
            raise BenchError("The viewers do not answer")
        if isinstance(report, Failed):
            raise BenchError(report.message)
        return report


@contextmanager
def running_watchers(target: Target, session_ids: Sequence[UUID], count: int) -> Iterator[Viewers]:
    """Run the viewers in a process of their own."""
    context = multiprocessing.get_context("spawn")
    link, theirs = context.Pipe()
    process = context.Process(
        target=watch_many, args=(theirs, target, session_ids, count), name="viewers"
    )
    process.start()
    theirs.close()
    try:
        yield Viewers(link)
    finally:
        link.close()
        process.terminate()
        process.join()
