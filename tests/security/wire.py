"""A connection on which a test writes what it wants, and reads what comes."""

import asyncio
import os
import socket
import struct
from dataclasses import dataclass
from typing import Any

import ujson

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body's JSON."""
        assert self.headers["content-type"].startswith("application/json"), self
        return ujson.loads(self.body)

    @property
    def fault(self) -> tuple[int, str]:
        """Return the status and the code of a failure."""
        assert self.json.keys() <= {"error", "code", "where"}, self
        return self.status, self.json["code"]


class Wire:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Wire":
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def ask(self, method: str, path: str, *lines: str, body: bytes = b"") -> None:
        """Send a request with these header lines."""
        head = (f"{method} {path} HTTP/1.1", "Host: x", *lines)
        await self.send("\r\n".join((*head, "", "")).encode() + body)

    async def answer(self) -> RawAnswer:
        """Return the next answer, which has a Content-Length or nothing."""
        async with asyncio.timeout(_PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in head[1:-2])
            }
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return RawAnswer(int(head[0].split()[1]), headers, body)

    async def rest(self) -> bytes:
        """Return all until the other side closes or cuts."""
        received = bytearray()
        async with asyncio.timeout(_PATIENCE):
            try:
                while data := await self._reader.read(65_536):
                    received += data
            except ConnectionError:
                pass
        return bytes(received)

    async def read_through(self, last: bytes) -> bytes:
        """Return what comes until these bytes have come."""
        received = bytearray()
        async with asyncio.timeout(_PATIENCE):
            while last not in received:
                part = await self._reader.read(65_536)
                assert part, bytes(received)
                received += part
        return bytes(received)

    async def upgrade(self, path: str, key: str) -> None:
        """Make a WebSocket of it."""
        await self.ask(
            *("GET", path, f"X-API-Key: {key}", "Upgrade: websocket", "Connection: Upgrade"),
            *(f"Sec-WebSocket-Key: {'A' * 22}==", "Sec-WebSocket-Version: 13"),
        )
        answer = await self.answer()
        assert answer.status == 101, answer

    async def close_code(self) -> int | None:
        """Return the code of the close frame that comes, None if the other side ends without."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while (await self._reader.readexactly(1))[0] & 0xF != CLOSE:
                    await self._payload()
                return int.from_bytes((await self._payload())[:2])
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def _payload(self) -> bytes:
        length = (await self._reader.readexactly(1))[0]
        if length > 125:
            length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8))
        return await self._reader.readexactly(length)

    async def close(self) -> None:
        """Close the connection, whatever waits."""
        self._writer.transport.abort()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, length: int | None = None
) -> bytes:
    """Return a client's WebSocket frame; `length` is a lie about its payload's."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


class SlowReader:
    """A client that asks and then takes nothing, or little, of the answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)
        self._port = port

    @property
    def address(self) -> object:
        """Return the address that the server knows it by."""
        return self._socket.getsockname()

    async def ask(self, path: str, key: str) -> None:
        """Send a request."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n"
        await loop.sock_sendall(self._socket, request.encode())

    async def take(self, size: int) -> bytes:
        """Read some bytes."""
        return await asyncio.get_running_loop().sock_recv(self._socket, size)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
