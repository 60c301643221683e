"""What clients send over a WebSocket, and a bound on how much of it says nothing."""

import asyncio
from typing import Self

from aiohttp import WSMessage, WSMsgType, web

from spectraview.keys import PLACE
from spectraview.live.protocol import TOO_MUCH
from spectraview.live.wire import close_frame

_BURST = 100
_PER_SECOND = 10
_OVER = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
CONTROL = frozenset({WSMsgType.PING, WSMsgType.PONG})
EVERYTHING = CONTROL | {WSMsgType.TEXT, WSMsgType.BINARY}


def can_upgrade(request: web.Request, websocket: web.WebSocketResponse) -> bool:
    """Tell whether a request asks for a WebSocket as it should."""
    try:
        return websocket.can_prepare(request).ok
    except ValueError:  # aiohttp fails on a header that is no text
        return False


class SocketMessages:
    """The messages of a WebSocket until it is over; pings are answered.

    Of the `counted` kinds a client may send some at once and a few each second; who sends more is
    cut. The socket must leave pings to this (`autoping=False`): aiohttp would answer any number of
    them without letting anything else run.
    """

    def __init__(
        self,
        request: web.Request,
        websocket: web.WebSocketResponse,
        counted: frozenset[WSMsgType],
    ) -> None:
        self._place = request[PLACE]
        self._transport = request.transport
        self._websocket = websocket
        self._counted = counted
        self._loop = asyncio.get_running_loop()
        self._left = float(_BURST)
        self._filled_at = self._loop.time()
        self._size = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WSMessage:
        while True:
            self._place.give_back(self._size)
            message = await self._websocket.receive()
            if message.type in _OVER:
                raise StopAsyncIteration
            self._size = len(message.data)
            if message.type in self._counted and not self._allowed():
                self._cut()
                raise StopAsyncIteration
            if message.type is WSMsgType.PING:
                await self._websocket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                return message

    def _allowed(self) -> bool:
        now = self._loop.time()
        self._left = min(_BURST, self._left + (now - self._filled_at) * _PER_SECOND)
        self._filled_at = now
        self._left -= 1
        return self._left >= 0

    def _cut(self) -> None:
        """Say why and close: a closing handshake would have to read on."""
        if self._transport is not None and not self._transport.is_closing():
            assert isinstance(self._transport, asyncio.Transport), "a server's transports are"
            self._transport.write(close_frame(TOO_MUCH, "too many messages"))
            self._transport.close()
