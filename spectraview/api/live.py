"""The live view of a session over a WebSocket."""

import asyncio
from uuid import UUID

from aiohttp import WSMsgType, web

from spectraview.api.event_stream import stream_session, wants_event_stream
from spectraview.api.requests import session_id_of
from spectraview.api.showing import show_until_gone
from spectraview.api.socket_messages import EVERYTHING, SocketMessages, can_upgrade
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
    if request.app[HUB].connection_count >= request.app[CONFIG].max_viewers:
        raise TooManyViewers(retry_after=5)
    websocket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_SECONDS,
        max_msg_size=_LARGEST_MESSAGE,
        compress=False,
        autoping=False,
    )
    if not can_upgrade(request, websocket):
        if wants_event_stream(request):
            return await stream_session(request)
        raise UpgradeRequired(headers={"Upgrade": "websocket"})
    connection = await _connect(request, websocket)
    messages = SocketMessages(request, websocket, EVERYTHING)
    try:
        with request.app[HUB].greeting(connection):
            subscription = await _subscription(messages, session_id)
        gone = _until_gone(messages)
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


async def _subscription(messages: SocketMessages, session_id: UUID) -> Subscription:
    try:
        async with asyncio.timeout(_SUBSCRIBE_SECONDS):  # pings win no time
            message = await anext(messages, None)
    except TimeoutError:
        raise ViewerClosed(BAD_REQUEST, "no subscribe message came") from None
    if message is None or message.type is not WSMsgType.TEXT:
        raise ViewerClosed(BAD_REQUEST, "a subscribe message was expected")
    try:
        return parse_subscribe(message.data, session_id)
    except InvalidSubscription as error:
        raise ViewerClosed(BAD_REQUEST, str(error)) from error


async def _until_gone(messages: SocketMessages) -> None:
    """Read until the socket is closed: without a reader no pong is seen."""
    async for _ in messages:
        pass  # a viewer has nothing more to say
