"""Messages on the wire: whole for the receiver, in chunks of bounded size for the sender."""

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient

from spectraview.live.wire import (
    BINARY,
    CHUNK_BYTES,
    TEXT,
    Chunks,
    event_stream_chunks,
    websocket_chunks,
)
from tests.conftest import AiohttpClient

HEAD_BYTES = 16
SIZES = [0, 1, 125, 126, 65_535, 65_536, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 500_000]
PING = b"\x89\x00"
CLOSE = b"\x88\x02\x03\xe8"


async def client_of(
    aiohttp_client: AiohttpClient, chunks: Chunks
) -> TestClient[web.Request, web.Application]:
    """Return a client of a server whose sockets say just these chunks, a ping after each."""

    async def say(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False)
        await websocket.prepare(request)
        assert request.transport is not None
        for chunk in chunks:
            request.transport.write(chunk + PING)
        request.transport.write(CLOSE)
        await websocket.receive()
        return websocket

    app = web.Application()
    app.router.add_get("/", say)
    return await aiohttp_client(app)


@pytest.mark.parametrize(("opcode", "kind"), [(TEXT, WSMsgType.TEXT), (BINARY, WSMsgType.BINARY)])
async def test_messages_of_any_size_come_whole_though_pings_come_between(
    aiohttp_client: AiohttpClient, opcode: int, kind: WSMsgType
) -> None:
    payloads = [b"x" * size for size in SIZES]
    chunks = websocket_chunks(payloads, opcode)
    client = await client_of(aiohttp_client, chunks)
    received = []
    async with client.ws_connect("/", max_msg_size=0) as websocket:
        async for message in websocket:
            assert message.type is kind
            data = message.data
            received.append(data.encode() if isinstance(data, str) else data)
    assert received == payloads


def test_no_chunk_is_larger_than_it_may_be() -> None:
    for payloads in ([b"x" * size for size in SIZES], [b"x" * 100] * 5000):
        sizes = [len(chunk) for chunk in websocket_chunks(payloads)]
        assert max(sizes) <= CHUNK_BYTES + HEAD_BYTES
    assert len(websocket_chunks([b"x" * 100] * 50)) == 1


def test_server_sent_events_are_chunks_that_join_to_one_text() -> None:
    events = [b'{"n":%d,\n"pad":"%s"}' % (n, b"x" * size) for n, size in enumerate(SIZES)]
    text = b"".join(dechunked(event_stream_chunks(7, events, [b"{}"], [b"[\r\n]"])))
    expected = [
        b"id: %d\ndata: %s" % (n, event.replace(b"\n", b" ")) for n, event in enumerate(events, 7)
    ]
    expected += [b"event: customEvent\ndata: {}", b"event: sessionError\ndata: [  ]"]
    assert text == b"\n\n".join(expected) + b"\n\n"


def dechunked(chunks: Chunks) -> list[bytes]:
    """Undo HTTP's chunked coding."""
    bodies = []
    for chunk in chunks:
        length, _, rest = chunk.partition(b"\r\n")
        assert rest.endswith(b"\r\n")
        assert int(length, 16) == len(rest) - 2 <= CHUNK_BYTES
        bodies.append(rest[:-2])
    return bodies
