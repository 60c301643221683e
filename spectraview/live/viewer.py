"""One live connection: a cursor into the session, not a queue of what it has yet to get."""

import asyncio
import socket
import struct
from contextlib import suppress

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from spectraview.live.frames import BatchFrames, message_frame
from spectraview.live.protocol import Subscription
from spectraview.storage.store import Position

_USER_TIMEOUT_MS = 30_000
_CLOSE_TIMEOUT = 5.0
_DROP_ON_CLOSE = struct.pack("ii", 1, 0)


class Stalled(Exception):
    """The peer accepts no byte."""


class ViewerClosed(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """A WebSocket to which ready-made frames are written, with a bound on how long it may accept
    nothing.
    """

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        writer: AbstractStreamWriter,
        transport: asyncio.Transport,
        *,
        buffer_bytes: int,
        stall_timeout: float,
    ) -> None:
        self._websocket = websocket
        self._writer = writer
        self._transport = transport
        self._buffer_bytes = buffer_bytes
        self._stall_timeout = stall_timeout
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
        return self._transport.is_closing() or self._websocket.closed

    def write(self, data: bytes) -> None:
        """Send whole frames without waiting."""
        if not self.gone:
            self._transport.write(data)

    async def drained(self) -> None:
        """Return when the peer has taken enough; raises Stalled when it takes nothing for too
        long.
        """
        while self.full:
            waiting = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self._stall_timeout):
                    await self._writer.drain()
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= waiting:
                    raise Stalled from None

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye; a peer that does not answer is cut off."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._websocket.close(code=code, message=reason.encode()[:123])
        except (TimeoutError, OSError, RuntimeError):
            self.abort()

    def abort(self) -> None:
        """Cut the connection, and drop what waits for it in the kernel too: nobody takes it."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_ON_CLOSE)
        self._transport.abort()


class Viewer:
    """Where one connection stands in a session, and how it wants to see it."""

    def __init__(
        self,
        connection: Connection,
        subscription: Subscription,
        position: Position,
        sequence: int,
        key_id: int,
    ) -> None:
        self.connection = connection
        self.key_id = key_id
        self.position = position
        self.sequence = sequence
        self.bytes_behind = 0
        self._framed = subscription.framed
        self._packed = subscription.packed
        self._wake = asyncio.Event()
        self._ending: ViewerClosed | None = None

    @property
    def framed(self) -> bool:
        """Tell whether the viewer speaks protocol 2."""
        return self._framed

    def show(self, frames: BatchFrames) -> None:
        """Write a batch, without the events before the viewer's sequence."""
        self.connection.write(self._payload(frames))
        self.position = Position(frames.batch.batch_number, frames.batch.next_sequence)
        self.sequence = max(self.sequence, frames.batch.next_sequence)

    def tell(self, message: dict[str, object]) -> None:
        """Write a protocol 2 message; a plain viewer gets events and nothing else."""
        if self._framed:
            self.connection.write(message_frame(message))

    def wake(self) -> None:
        """Make the viewer's task look again where it stands."""
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Make the viewer's task close the connection."""
        if self._ending is None:
            self._ending = ViewerClosed(code, reason)
        self._wake.set()

    async def woken(self) -> None:
        """Wait to be woken. Raises ViewerClosed when it is time to close."""
        await self._wake.wait()
        self._wake.clear()
        self.check()

    def check(self) -> None:
        """Raise ViewerClosed when it is time to close."""
        if self._ending is not None:
            raise self._ending

    def _payload(self, frames: BatchFrames) -> bytes:
        cut = self.sequence > frames.batch.first_sequence
        if not self._framed:
            return frames.plain_from(self.sequence)
        if self._packed and not cut:
            return frames.packed
        return frames.framed_from(self.sequence)
