"""Writes a session over a WebSocket: sends ahead without waiting for receipts, and after any
disconnect all again that had none, in the same order.
"""

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from tests.faults.history import SentBatch
from tests.faults.publisher import HANG_SECONDS, Publisher

_SENT_AHEAD = 8
_CONNECT_SECONDS = 10.0
_PING_SECONDS = 5.0
_LAST_ANSWERS = 0.05
"""Seconds between two looks whether all is answered, in the end."""
_CLOSE_TIMEOUT = ClientWSTimeout(ws_close=1.0)


@dataclass(slots=True)
class _Waiting:
    sent: SentBatch
    body: str
    sent_at: float = 0.0


class SocketPublisher(Publisher):
    """A publisher whose batches take one WebSocket; all are stored in the order of their names."""

    PAUSE = (0.01, 0.2)

    async def _send_batches(self) -> None:
        waiting: deque[_Waiting] = deque()
        while not self._over or waiting:
            with suppress(ClientError, OSError, TimeoutError):
                await self._publish(waiting)
            self._history.tally.retried += len(waiting)
            await asyncio.sleep(self._random.uniform(0.05, 0.2))

    async def _publish(self, waiting: deque[_Waiting]) -> None:
        """Send batches over one connection until it breaks or all is said."""
        path = f"/api/sessions/{self._session.session_id}/ingest"
        async with asyncio.timeout(_CONNECT_SECONDS):
            websocket = await self._http.ws_connect(
                self._random.choice(self._urls) + path,
                headers={"X-API-Key": self._key},
                heartbeat=_PING_SECONDS,
                timeout=_CLOSE_TIMEOUT,
            )
        async with websocket:
            receiving = asyncio.create_task(self._receive(websocket, waiting), name="receipts")
            ending = asyncio.create_task(self._ending.wait(), name="ending")
            try:
                for unanswered in list(waiting):
                    await self._send(websocket, unanswered)
                while not receiving.done() and (waiting or not self._over):
                    if len(waiting) < _SENT_AHEAD and not self._over:
                        waiting.append(self._make())
                        await self._send(websocket, waiting[-1])
                    awaited = {receiving} if self._over else {receiving, ending}
                    seconds = _LAST_ANSWERS if self._over else self._random.uniform(*self._pause)
                    await asyncio.wait(
                        awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                    )
            finally:
                receiving.cancel()
                ending.cancel()
                await asyncio.gather(receiving, ending, return_exceptions=True)

    def _make(self) -> _Waiting:
        sent, body, _ = self._make_batch()
        return _Waiting(sent, body.decode())

    async def _send(self, websocket: ClientWebSocketResponse, waiting: _Waiting) -> None:
        waiting.sent.attempts += 1
        waiting.sent_at = time.monotonic()
        await websocket.send_str(waiting.body)

    async def _receive(self, websocket: ClientWebSocketResponse, waiting: deque[_Waiting]) -> None:
        """Take answers until the connection ends."""
        while True:
            with suppress(TimeoutError):
                message = await websocket.receive(timeout=1)
                if message.type is not WSMsgType.TEXT:
                    return
                answer = json.loads(message.data)
                if answer["type"] in ("receipt", "error") and not self._take(answer, waiting):
                    return
            if waiting and time.monotonic() - waiting[0].sent_at > HANG_SECONDS:
                self._violate(f"a batch is answered within {HANG_SECONDS} s", "over a WebSocket")
                return

    def _take(self, answer: dict[str, Any], waiting: deque[_Waiting]) -> bool:
        """Take the answer to the oldest batch; tell whether the connection goes on."""
        if answer["type"] == "receipt":
            self._acknowledge(waiting.popleft().sent, answer)
        elif "retryAfter" in answer:
            return False
        else:
            self._refuse(waiting.popleft().sent, answer)
        return True
