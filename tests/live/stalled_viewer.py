"""A viewer that takes nothing, as behind a network that has died."""

import asyncio
import select
import socket
from typing import Self
from uuid import UUID

import ujson


class StalledViewer:
    """A viewer that subscribes and then reads nothing."""

    def __init__(self, port: int, key: str, session_id: UUID) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._address = ("127.0.0.1", port)
        self._request = (
            f"GET /api/sessions/{session_id}/live?apiKey={key} HTTP/1.1\r\n"
            "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        message = ujson.dumps({"type": "subscribe", "sessionId": str(session_id)}).encode()
        self._subscribe = bytes((0x81, 0x80 | len(message), 0, 0, 0, 0)) + message

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, self._request.encode())
        assert b" 101 " in await loop.sock_recv(self._socket, 1024)
        await loop.sock_sendall(self._socket, self._subscribe)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def begin(self) -> bytes:
        """Read the first bytes of the stream."""
        return await asyncio.get_running_loop().sock_recv(self._socket, 4096)

    async def was_cut(self) -> bool:
        """Wait, without reading, for the connection to be reset."""
        poller = select.poll()
        poller.register(self._socket, 0)  # errors are always told
        return bool(await asyncio.to_thread(poller.poll, 20_000))

    async def read_through(self, last: bytes) -> bytes:
        """Read until these bytes come."""
        loop = asyncio.get_running_loop()
        received = bytearray()
        async with asyncio.timeout(20):
            while not received.endswith(last):
                received += await loop.sock_recv(self._socket, 1 << 20)
        return bytes(received)
