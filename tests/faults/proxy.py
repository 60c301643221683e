"""A TCP proxy that breaks connections as networks do."""

import asyncio
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.faults.weather import Weather

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CHUNK = 65_536
_REOPEN_ATTEMPTS = 50


class Link:
    """One connection through the proxy, with the two streams of each side."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        buffer_bytes: int,
    ) -> None:
        self.dead = False
        """Whether its bytes get lost for ever, though both ends believe that it stands."""
        self.marked = False
        """A trap's note that this link carried what it waits for."""
        self._client_reader, self._client_writer = client
        self._server_reader, self._server_writer = server
        for writer in (self._client_writer, self._server_writer):
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF) if buffer_bytes else ():
                connection.setsockopt(socket.SOL_SOCKET, buffer, buffer_bytes)

    async def deliver(self, data: bytes, *, outward: bool) -> None:
        """Hand bytes on: outward is from the client to the server."""
        if self.dead:
            return
        writer = self._server_writer if outward else self._client_writer
        writer.write(data)
        await writer.drain()

    def reset(self) -> None:
        """Break both sides off at once."""
        for writer in (self._client_writer, self._server_writer):
            break_off(writer)

    async def run(self, proxy: "FaultProxy") -> None:
        """Carry bytes both ways until one side closes."""
        ways = [
            asyncio.create_task(self._carry(proxy, outward=outward), name="proxy-way")
            for outward in (True, False)
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (self._client_writer, self._server_writer):
                writer.close()

    async def _carry(self, proxy: "FaultProxy", *, outward: bool) -> None:
        reader = self._client_reader if outward else self._server_reader
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await proxy.weather.carry(self, data, outward=outward)


class FaultProxy:
    """Listens on a port of its own before a server; `weather` is what happens to the bytes.

    Use as an async context manager. `buffer_bytes` bounds what the kernel keeps of each connection,
    so that a slow peer is felt; 0 leaves it to the kernel.
    """

    def __init__(self, upstream_port: int, *, buffer_bytes: int = 0) -> None:
        self.port = 0
        self.weather = Weather()
        self.links: set[Link] = set()
        self._upstream_port = upstream_port
        self._buffer_bytes = buffer_bytes
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def change(self, weather: Weather) -> None:
        """Let this happen to the bytes from now on."""
        previous, self.weather = self.weather, weather
        previous.end()

    def lose_connections(self) -> None:
        """Let every connection of now stay silent for ever."""
        for link in self.links:
            link.dead = True

    def reset(self) -> None:
        """Break off every connection of now."""
        for link in list(self.links):
            link.reset()

    def refuse(self) -> None:
        """Break off every connection and let no new one in."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()

    async def heal(self) -> None:
        """Work as if nothing were; connections that are lost stay so."""
        self.change(Weather())
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        for _ in range(_REOPEN_ATTEMPTS):
            with suppress(OSError):
                self._server = await asyncio.start_server(
                    self._accept, "127.0.0.1", self.port, backlog=1024
                )
                self.port = self._server.sockets[0].getsockname()[1]
                return
            await asyncio.sleep(0.1)
        raise OSError(f"port {self.port} is taken")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs it in a task"
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            server = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        except OSError:
            break_off(writer)
            return
        link = Link((reader, writer), server, self._buffer_bytes)
        self.links.add(link)
        try:
            await link.run(self)
        finally:
            self.links.discard(link)


def break_off(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset, dropping what waits."""
    with suppress(OSError):
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
