"""The live view of a session over a WebSocket."""

import asyncio
import logging
from uuid import UUID

from aiohttp import WSMsgType, web

from spectraview.api.requests import access_of, session_id_of
from spectraview.errors import SessionNotFound, TooManyViewers, UpgradeRequired
from spectraview.keys import CONFIG, HUB
from spectraview.live.protocol import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    NOT_FOUND,
    RECONNECT,
    InvalidSubscription,
    Subscription,
    parse_subscribe,
)
from spectraview.live.viewer import Connection, Stalled, ViewerClosed
from spectraview.storage.database import DatabaseUnavailable

logger = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 20.0
_LARGEST_MESSAGE = 4096
_SUBSCRIBE_SECONDS = 10.0


async def watch_session(request: web.Request) -> web.WebSocketResponse:
    """Show a session to a viewer while it happens."""
    session_id = session_id_of(request)
    websocket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_LARGEST_MESSAGE, compress=False
    )
    if not websocket.can_prepare(request).ok:
        raise UpgradeRequired(headers={"Upgrade": "websocket"})
    if request.app[HUB].viewer_count >= request.app[CONFIG].max_viewers:
        raise TooManyViewers(retry_after=5)
    connection = await _connect(request, websocket)
    try:
        await _watch(request, session_id, websocket, connection)
    except ViewerClosed as closed:
        await connection.close(closed.code, closed.reason)
    except Stalled:
        logger.info("cut a stalled viewer of %s", session_id)
        connection.abort()
    return websocket


async def _connect(request: web.Request, websocket: web.WebSocketResponse) -> Connection:
    writer = await websocket.prepare(request)
    transport = request.transport
    assert isinstance(transport, asyncio.Transport), "prepare would have failed"
    config = request.app[CONFIG]
    return Connection(
        websocket,
        writer,
        transport,
        buffer_bytes=config.viewer_buffer,
        stall_timeout=config.stall_timeout,
    )


async def _watch(
    request: web.Request,
    session_id: UUID,
    websocket: web.WebSocketResponse,
    connection: Connection,
) -> None:
    """Show the session until it ends or the viewer leaves. Raises ViewerClosed and Stalled."""
    subscription = await _subscription(websocket, session_id)
    hub = request.app[HUB]
    show = asyncio.create_task(
        hub.show(session_id, access_of(request), connection, subscription), name="viewer"
    )
    leave = asyncio.create_task(_until_gone(websocket), name="viewer-reader")
    try:
        await asyncio.wait((show, leave), return_when=asyncio.FIRST_COMPLETED)
        if show.done():
            _raise_closed(show, session_id)
    finally:
        # The reader goes on until the socket is closed: without it no pong is seen.
        show.cancel()
        await asyncio.gather(show, return_exceptions=True)
        leave.cancel()
        await asyncio.gather(leave, return_exceptions=True)


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
    async for _ in websocket:
        pass  # a viewer has nothing more to say


def _raise_closed(show: asyncio.Task[None], session_id: UUID) -> None:
    """Raise the reason why the show is over, as a close code."""
    try:
        show.result()
    except SessionNotFound:
        raise ViewerClosed(NOT_FOUND, "session not found") from None
    except DatabaseUnavailable:
        raise ViewerClosed(RECONNECT, "the store is not available") from None
    except (ViewerClosed, Stalled):
        raise
    except Exception as error:
        logger.exception("a viewer of %s failed", session_id)
        raise ViewerClosed(INTERNAL_ERROR, "internal error") from error
