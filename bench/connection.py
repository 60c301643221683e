"""A cheap kept-alive HTTP/1.1 connection: whole requests go out, short answers come back."""

import asyncio
import re
from dataclasses import dataclass

from bench.errors import BenchError
from bench.target import Target

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED_END = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """Status and body; of a chunked body with its chunk sizes."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[ShortAnswer] | None = None
        self._received = b""

    @property
    def closed(self) -> bool:
        """Tell whether the connection is gone."""
        return self._transport is None or self._transport.is_closing()

    async def request(self, data: bytes) -> ShortAnswer:
        """Send a request and return its answer. Raises ConnectionError when there is none."""
        if self._transport is None:
            raise ConnectionResetError
        self._waiter = self._loop.create_future()
        self._transport.write(data)
        return await self._waiter

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Give the answer to who waits for it, once it is complete."""
        received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0 or not _is_complete(received, head_end):
            self._received = received
            return
        self._received = b""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(ShortAnswer(int(received[9:12]), received[head_end + 4 :]))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits that no answer comes."""
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError("closed by the server"))


def _is_complete(received: bytes, head_end: int) -> bool:
    length = _LENGTH.search(received, 0, head_end)
    if length is None:
        return received.endswith(_CHUNKED_END)
    return len(received) >= head_end + 4 + int(length[1])


async def connect(target: Target) -> Connection:
    """Open a connection. Raises BenchError."""
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(Connection, target.host, target.port)
    except OSError as error:
        raise BenchError(f"{target.name} cannot be reached: {error}") from error
    return connection
