"""Watches a session as an EventSource does: over plain HTTP, and after any disconnect from the last
id that came.
"""

import asyncio
import json
import time
from typing import Any

from aiohttp import ClientResponse, ClientTimeout

from tests.faults.batches import item_of
from tests.faults.watcher import Watcher

_TIMEOUT = ClientTimeout(total=None, sock_connect=5, sock_read=20)
"""Longer than the server's silence between two signs of life."""
_LONGEST_LINE = 4_194_304


class EventSource(Watcher):
    """A viewer that reads server-sent events."""

    async def _watch_once(self) -> None:
        headers = {"X-API-Key": self._key, "Accept": "text/event-stream"}
        if self._next_sequence:
            headers["Last-Event-ID"] = str(self._next_sequence - 1)
        path = f"/api/sessions/{self._session.session_id}/live?from={self._habit.start}"
        async with self._http.get(
            self._random.choice(self._urls) + path,
            headers=headers,
            timeout=_TIMEOUT,
            read_bufsize=_LONGEST_LINE,
        ) as response:
            self._stream.connections += 1
            self._connected_at = time.monotonic()
            self._stream.note(f"{response.url} {headers.get('Last-Event-ID')} {response.status}")
            if response.status == 204:
                self._stream.ended = True
            elif response.status == 200:
                self.shown.set()
                await self._read(response)
            elif response.status not in (429, 503):
                self._violate("an event stream is answered with 200", f"{response.status}")

    async def _read(self, response: ClientResponse) -> None:
        event: dict[str, Any] = {}
        while line := (await response.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif line == "\n" and event.get("data"):
                self._take_event(event)
                event = {}
                await asyncio.sleep(0)  # events may come without waiting, one after another

    def _take_event(self, event: dict[str, Any]) -> None:
        data = json.loads(event["data"])
        kind = event.get("event", "message")
        if kind == "message":
            sequence = int(event["id"])
            self._stream.sequences.append((item_of(data), sequence))
            self._next_sequence = sequence + 1
        if kind in ("message", "customEvent", "sessionError"):
            self._take(data)
        else:
            self._stream.note(event)
        if kind == "skipped":
            self._skip(data)
        elif kind == "ended":
            self._stream.ended = True
        elif kind == "close":
            self._note_close(data["code"])
