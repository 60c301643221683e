"""The transport of a viewer: ready-made bytes are written to it, and what it does not take in
time ends it.
"""

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from contextlib import suppress

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from spectraview.live.wire import Chunks, message_event, message_frame

_USER_TIMEOUT_MS = 30_000
_CLOSE_TIMEOUT = 5.0
_DROP_ON_CLOSE = struct.pack("ii", 1, 0)


class Stalled(Exception):
    """The peer accepts no byte."""


def cut(transport: asyncio.Transport) -> None:
    """Cut a connection, and drop what waits for it in the kernel too: nobody takes it."""
    opened = transport.get_extra_info("socket")
    if opened is not None:
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_ON_CLOSE)
    transport.abort()


class Connection(ABC):
    """Bytes to one peer, with a bound on how many wait and on how long it may accept none."""

    def __init__(
        self,
        writer: AbstractStreamWriter,
        transport: asyncio.Transport,
        *,
        buffer_bytes: int,
        stall_timeout: float,
    ) -> None:
        self._writer = writer
        self._transport = transport
        self._buffer_bytes = buffer_bytes
        self._stall_timeout = stall_timeout
        self._sending = False
        self._after: list[bytes] = []
        transport.set_write_buffer_limits(high=buffer_bytes)
        self._socket = transport.get_extra_info("socket")
        if self._socket is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            with suppress(OSError):
                self._socket.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS
                )

    @property
    def full(self) -> bool:
        """Tell whether as many bytes wait as may."""
        return self._transport.get_write_buffer_size() > self._buffer_bytes

    @property
    def gone(self) -> bool:
        """Tell whether the connection is closed or closing."""
        return self._transport.is_closing()

    @property
    def busy(self) -> bool:
        """Tell whether nothing should be written now: a message is under way, or much waits."""
        return self._sending or self.full

    def write(self, data: bytes) -> None:
        """Send whole messages without waiting, after the one that is under way."""
        if self._sending:
            self._after.append(data)
        elif not self.gone:
            self._transport.write(data)

    async def send(self, chunks: Chunks) -> None:
        """Send chunks, each when the peer has taken enough of those before.

        Raises Stalled. A message that was not sent to its end is the last one: whatever came after
        its beginning would be taken for a part of it.
        """
        self._sending = True
        for chunk in chunks:
            await self.drained()
            if self.gone:
                return
            self._transport.write(chunk)
        self._sending = False
        after, self._after = self._after, []
        for data in after:
            self.write(data)

    @abstractmethod
    def tell(self, message: dict[str, object]) -> None:
        """Send a message that is no event."""

    @abstractmethod
    async def close(self, code: int, reason: str) -> None:
        """Say goodbye; a peer that does not take it is cut off."""

    async def drained(self) -> None:
        """Return when the peer has taken enough.

        Raises Stalled when it takes nothing for too long.
        """
        while self.full:
            waiting = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self._stall_timeout):
                    await self._writer.drain()
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= waiting:
                    raise Stalled from None
            except ConnectionError:
                return  # it is gone, as the caller will see

    def abort(self) -> None:
        """Cut the connection."""
        cut(self._transport)


class WebSocketConnection(Connection):
    """A WebSocket; only its control frames are aiohttp's."""

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        writer: AbstractStreamWriter,
        transport: asyncio.Transport,
        *,
        buffer_bytes: int,
        stall_timeout: float,
    ) -> None:
        super().__init__(writer, transport, buffer_bytes=buffer_bytes, stall_timeout=stall_timeout)
        self._websocket = websocket

    @property
    def gone(self) -> bool:
        """Tell whether the connection is closed or closing."""
        return super().gone or self._websocket.closed

    def tell(self, message: dict[str, object]) -> None:
        """Send a message as a text frame."""
        self.write(message_frame(message))

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame with this code, and cut off a peer that does not answer it."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._websocket.close(code=code, message=reason.encode()[:123])
        except (TimeoutError, OSError, RuntimeError):
            self.abort()


class EventStreamConnection(Connection):
    """A response of server-sent events; aiohttp writes its head and its last chunk."""

    def tell(self, message: dict[str, object]) -> None:
        """Send a message as an event that is named by its type."""
        self.write(message_event(message))

    async def close(self, code: int, reason: str) -> None:
        """Send a last event that says why."""
        self.tell({"type": "close", "code": code, "reason": reason})
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._writer.drain()
        except (TimeoutError, OSError):
            self.abort()
