"""The live view of a session over a WebSocket."""

import asyncio
from uuid import UUID

from aiohttp import WSMsgType, web

from spectraview.api.event_stream import stream_session, wants_event_stream
from spectraview.api.requests import session_id_of
from spectraview.api.showing import show_until_gone
from spectraview.errors import TooManyViewers, UpgradeRequired
from spectraview.keys import CONFIG, HUB
from spectraview.live.connection import Stalled, WebSocketConnection
from spectraview.live.protocol import (
    BAD_REQUEST,
    InvalidSubscription,
    Subscription,
    parse_subscribe,
)
from spectraview.live.viewer import ViewerClosed

_HEARTBEAT_SECONDS = 20.0
_LARGEST_MESSAGE = 4096
_SUBSCRIBE_SECONDS = 10.0


async def watch_session(request: web.Request) -> web.StreamResponse:
    """Show a session to a viewer while it happens: over a WebSocket, or as server-sent events."""
    session_id = session_id_of(request)
    if request.app[HUB].viewer_count >= request.app[CONFIG].max_viewers:
        raise TooManyViewers(retry_after=5)
    websocket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_LARGEST_MESSAGE, compress=False
    )
    if not websocket.can_prepare(request).ok:
        if wants_event_stream(request):
            return await stream_session(request)
        raise UpgradeRequired(headers={"Upgrade": "websocket"})
    connection = await _connect(request, websocket)
    try:
        with request.app[HUB].greeting(connection):
            subscription = await _subscription(websocket, session_id)
        gone = _until_gone(websocket)
        await show_until_gone(request, session_id, connection, subscription, gone)
    except ViewerClosed as closed:
        await connection.close(closed.code, closed.reason)
    except Stalled:
        connection.abort()
    return websocket


async def _connect(request: web.Request, websocket: web.WebSocketResponse) -> WebSocketConnection:
    writer = await websocket.prepare(request)
    transport = request.transport
    assert isinstance(transport, asyncio.Transport), "prepare would have failed"
    config = request.app[CONFIG]
    return WebSocketConnection(
        websocket,
        writer,
        transport,
        buffer_bytes=config.viewer_buffer,
        stall_timeout=config.stall_timeout,
    )


async def _subscription(websocket: web.WebSocketResponse, session_id: UUID) -> Subscription:
    try:
        message = await websocket.receive(timeout=_SUBSCRIBE_SECONDS)
    except TimeoutError:
        raise ViewerClosed(BAD_REQUEST, "no subscribe message came") from None
    if message.type is not WSMsgType.TEXT:
        raise ViewerClosed(BAD_REQUEST, "a subscribe message was expected")
    try:
        return parse_subscribe(message.data, session_id)
    except InvalidSubscription as error:
        raise ViewerClosed(BAD_REQUEST, str(error)) from error


async def _until_gone(websocket: web.WebSocketResponse) -> None:
    """Read until the socket is closed: without a reader no pong is seen."""
    async for _ in websocket:
        pass  # a viewer has nothing more to say
