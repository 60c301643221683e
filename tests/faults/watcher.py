"""Watches a session as a support agent's page does: connects again after any disconnect, and goes
on where it was when its protocol can.
"""

import asyncio
import json
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from tests.faults.batches import item_of
from tests.faults.history import Delay, History, SessionHistory, Stream

_PING_SECONDS = 5.0
_CONNECT_SECONDS = 10.0
_CLOSE_TIMEOUT = ClientWSTimeout(ws_close=1.0)
_EXPECTED_CODES = frozenset({None, 1000, 1001, 1006, 1012, 4408})


@dataclass(frozen=True, slots=True)
class Habit:
    """How a viewer watches: from where, in which protocol, how it resumes, how long it stays, and
    how long it sleeps between two messages.
    """

    name: str
    start: Literal["keyframe", "start"] = "keyframe"
    resumes: Literal["no", "sequence", "batch"] = "no"
    deflate: bool = False
    stays: float | None = None
    sleeps: float = 0.0
    event_source: bool = False
    patience: tuple[float, float] = (0.05, 0.4)
    """The least and the most seconds from a disconnect until it connects again."""


HABITS = (
    Habit("plain"),
    Habit("by-sequence", start="start", resumes="sequence"),
    Habit("by-batch", start="start", resumes="batch"),
    Habit("deflate", resumes="batch", deflate=True),
    Habit("visitor", start="start", stays=1.5),
    Habit("event-source", start="start", resumes="sequence", event_source=True),
    Habit("slow", start="start", resumes="batch", sleeps=0.15),
)


class Watcher:
    """One viewer of one session at the processes of `urls`, at any of them each time."""

    def __init__(
        self,
        http: ClientSession,
        urls: Sequence[str],
        key: str,
        session: SessionHistory,
        history: History,
        habit: Habit,
        random: Random,
    ) -> None:
        self._http = http
        self._urls = urls
        self._key = key
        self._session = session
        self._history = history
        self._habit = habit
        self._random = random
        self.shown = asyncio.Event()
        """Set while it is being shown the session."""
        self._next_sequence = 0
        self._last_batch = 0
        self._connected_at = 0.0
        self._stream = self._new_stream()

    async def run(self) -> None:
        """Watch until the session has ended and all of it is here."""
        while not self._stream.ended:
            with suppress(ClientError, OSError, TimeoutError):  # service or network are away
                await self._watch_once()
            self.shown.clear()
            if not self._stream.ended:
                self._history.tally.reconnected += 1
                await asyncio.sleep(self._random.uniform(*self._habit.patience))
                if self._habit.resumes == "no" and self._stream.connections:
                    self._stream = self._new_stream()
                self._unskip()

    def _new_stream(self) -> Stream:
        habit = self._habit
        stream = Stream(habit.name, habit.start, whole=habit.resumes != "sequence")
        self._session.streams.append(stream)
        return stream

    async def _watch_once(self) -> None:
        url = self._random.choice(self._urls)
        path = f"/api/sessions/{self._session.session_id}/live"
        async with asyncio.timeout(_CONNECT_SECONDS):
            websocket = await self._http.ws_connect(
                url + path,
                headers={"X-API-Key": self._key},
                max_msg_size=0,
                heartbeat=_PING_SECONDS,
                timeout=_CLOSE_TIMEOUT,
            )
        async with websocket:
            self._stream.connections += 1
            self._stream.note(f"{url} {self._subscription()}")
            await websocket.send_str(json.dumps(self._subscription()))
            self._connected_at = time.monotonic()
            stays = self._habit.stays
            try:
                async with asyncio.timeout(stays and self._random.uniform(0, 2 * stays)):
                    await self._receive(websocket)
            except TimeoutError:
                return  # it has seen enough
            self._note_close(websocket.close_code)

    def _subscription(self) -> dict[str, object]:
        message: dict[str, object] = {
            "type": "subscribe",
            "sessionId": str(self._session.session_id),
            "from": self._habit.start,
        }
        if self._habit.resumes != "no":
            message["protocol"] = 2
        if self._habit.deflate:
            message["encoding"] = "deflate"
        if self._habit.resumes == "sequence" and self._next_sequence:
            message["from"] = {"sequence": self._next_sequence}
        if self._habit.resumes == "batch" and self._last_batch:
            message["from"] = {"batch": self._last_batch}
        return message

    async def _receive(self, websocket: ClientWebSocketResponse) -> None:
        async for message in websocket:
            if message.type is WSMsgType.BINARY:
                self._take_message(_unpacked(message.data))
            elif message.type is WSMsgType.TEXT:
                self._take_message(json.loads(message.data))
            if self._habit.sleeps:
                await asyncio.sleep(self._random.uniform(0, 2 * self._habit.sleeps))

    def _take_message(self, message: Any) -> None:
        self.shown.set()
        if self._habit.resumes == "no":
            self._take(message)
            return
        if message["type"] != "events":
            self._stream.note(message)
        if message["type"] == "events":
            self._take_frame(message)
        elif message["type"] == "skipped":
            self._skip(message)
        elif message["type"] == "ended":
            self._stream.ended = True

    def _skip(self, message: Any) -> None:
        first, last = message["sequence"]
        self._stream.skipped.append((first, last))
        self._stream.parts.append([])

    def _unskip(self) -> None:
        """Forget a skip after which nothing came: who resumes gets what it left out."""
        while self._stream.skipped and not self._stream.parts[-1]:
            self._stream.skipped.pop()
            self._stream.parts.pop()

    def _take_frame(self, frame: Any) -> None:
        first, last = frame["sequence"]
        if last - first + 1 != len(frame["events"]):
            self._violate("a frame's sequence counts its events", f"{frame['sequence']}")
        for place, event in enumerate(frame["events"]):
            self._stream.sequences.append((item_of(event), first + place))
        things = frame["events"] + frame.get("customEvents", []) + frame.get("errors", [])
        for thing in things:
            self._take(thing)
        if things:
            self._stream.batches.append((item_of(things[0])[1], frame["batch"]))
        self._next_sequence = max(self._next_sequence, last + 1)
        self._last_batch = frame["batch"]

    def _take(self, thing: Any) -> None:
        item = item_of(thing)
        self._stream.parts[-1].append(item)
        self._history.tally.delivered += 1
        if item[1] not in self._stream.arrived:
            self._stream.arrived[item[1]] = time.monotonic()
            self._note_delay(item[1])

    def _note_delay(self, batch: int) -> None:
        acknowledged = self._session.batches[batch].acknowledged_at
        if acknowledged and not self._habit.sleeps:
            since = max(acknowledged, self._connected_at)
            place = f"session {self._session.session_id} viewer {self._habit.name} batch {batch}"
            self._history.delays.append(Delay(since, self._stream.arrived[batch], place))

    def _note_close(self, code: int | None) -> None:
        self._stream.note(f"closed with {code}")
        if code == 1000:
            if self._habit.resumes != "no" and not self._stream.ended:
                self._violate("a protocol 2 stream says that it ended", "closed with 1000")
            self._stream.ended = True
        elif code not in _EXPECTED_CODES:
            self._violate("a viewer's connection closes for a known reason", f"code {code}")

    def _violate(self, promise: str, place: str) -> None:
        session_id, viewer = self._session.session_id, self._habit.name
        self._history.violate(promise, f"session {session_id} viewer {viewer} {place}")


def _unpacked(data: bytes) -> Any:
    """Return a binary frame as if it were a text frame."""
    length = int.from_bytes(data[:4])
    head = json.loads(data[4 : 4 + length])
    events = json.loads(zlib.decompress(data[4 + length :], 15 + 32)) if data[4 + length :] else []
    return head | {"events": events}
