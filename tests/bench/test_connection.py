"""The benchmark's HTTP connection reads every form of answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.connection import ShortAnswer, connect
from bench.target import ApiKeys, Target

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[Target]:
    """Run a server that answers each request with these pieces, then closes if there are none."""

    finished = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while pieces and await reader.read(1000):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.01)
        writer.close()
        await writer.wait_closed()
        finished.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield Target("test", host, port, "", ApiKeys("i", "r"), "app", "user", {})
        await finished.wait()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([SIZED], ShortAnswer(200, b"hello")),
        ([SIZED[:20], SIZED[20:42], SIZED[42:]], ShortAnswer(200, b"hello")),
        ([CHUNKED], ShortAnswer(429, b"5\r\nhello\r\n0\r\n\r\n")),
        ([CHUNKED[:-3], CHUNKED[-3:]], ShortAnswer(429, b"5\r\nhello\r\n0\r\n\r\n")),
    ],
    ids=["sized", "sized in pieces", "chunked", "chunked in pieces"],
)
async def test_answers_are_complete(pieces: list[bytes], expected: ShortAnswer) -> None:
    async with answering(*pieces) as target:
        connection = await connect(target)
        for _ in range(2):
            assert await connection.request(REQUEST) == expected
        connection.close()


async def test_a_closed_connection_is_an_error() -> None:
    async with answering() as target:
        connection = await connect(target)
        with pytest.raises(ConnectionResetError):
            await connection.request(REQUEST)
        assert connection.closed
