"""What is written to a viewer's connection stays a sequence of whole messages."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from spectraview.live.connection import Stalled, WebSocketConnection
from spectraview.live.wire import websocket_chunks
from tests.conftest import AiohttpClient

LARGE = websocket_chunks([b"x" * 30_000_000])
MESSAGE: dict[str, object] = {"type": "viewers", "viewers": 2}
Use = Callable[[WebSocketConnection], Awaitable[None]]


def app_of(use: Use) -> web.Application:
    """Return an application whose sockets are used so, and then closed with 1000."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False)
        writer = await websocket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = WebSocketConnection(
            websocket, writer, request.transport, buffer_bytes=65_536, stall_timeout=0.2
        )
        await use(connection)
        await connection.close(1000, "done")
        return websocket

    app = web.Application()
    app.router.add_get("/", handle)
    return app


async def test_what_is_told_during_a_large_message_comes_after_it(
    aiohttp_client: AiohttpClient,
) -> None:
    async def use(connection: WebSocketConnection) -> None:
        sending = asyncio.create_task(connection.send(LARGE))
        await asyncio.sleep(0)
        connection.tell(MESSAGE)
        await sending

    client = await aiohttp_client(app_of(use))
    async with client.ws_connect("/", max_msg_size=0) as websocket:
        assert len(await websocket.receive_str()) == 30_000_000
        assert await websocket.receive_json() == MESSAGE


async def test_nothing_is_told_within_a_message_that_is_not_sent_to_its_end(
    aiohttp_client: AiohttpClient,
) -> None:
    stalled = asyncio.Event()

    async def use(connection: WebSocketConnection) -> None:
        try:
            await connection.send(LARGE)
        except Stalled:
            connection.tell(MESSAGE)
            stalled.set()

    client = await aiohttp_client(app_of(use))
    async with client.ws_connect("/", max_msg_size=0) as websocket:
        reading = websocket._response.connection
        assert reading is not None
        assert reading.transport is not None
        reading.transport.pause_reading()
        await stalled.wait()
        reading.transport.resume_reading()
        message = await websocket.receive()
        assert (message.type, websocket.close_code) == (WSMsgType.CLOSE, 1000)
