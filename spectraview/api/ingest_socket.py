"""Takes batches over a WebSocket, each answered by its receipt, and tells the SDK who watches."""

import asyncio
from uuid import UUID

from aiohttp import WSMessage, WSMsgType, web

from spectraview.api.events import parse_for
from spectraview.api.limits import count_stored, count_use
from spectraview.api.present import receipt_json
from spectraview.api.requests import app_id_of, session_id_of
from spectraview.api.responses import dumps, error_json
from spectraview.api.socket_messages import CONTROL, SocketMessages, can_upgrade
from spectraview.errors import (
    ApiError,
    InflatedTooLarge,
    InvalidBody,
    InvalidCompression,
    StoreUnavailable,
    Unauthorized,
    UpgradeRequired,
)
from spectraview.ingest.recorder import Receipt
from spectraview.keys import (
    API_KEY,
    API_KEYS,
    CACHE,
    COMMITTER,
    CONFIG,
    HUB,
    INGEST_SOCKETS,
    RECORDER,
    REQUESTS,
)
from spectraview.live.presence import Watch
from spectraview.live.protocol import TRY_AGAIN_LATER, UNAUTHORIZED
from spectraview.storage.codec import CorruptData, TooLarge, detect_codec, inflate
from spectraview.storage.database import DatabaseUnavailable

_CLOSE_SECONDS = 5.0
_HEARTBEAT_SECONDS = 20.0
_INLINE_COMPRESSED = 4096


async def ingest_session(request: web.Request) -> web.WebSocketResponse:
    """Store the batches that a WebSocket sends, one after another, in the order of their coming.

    A client may send ahead without waiting for receipts. When a batch has to be sent again later,
    the socket closes after saying so: what was sent behind it must not be stored before it.
    """
    session_id = session_id_of(request)
    websocket = web.WebSocketResponse(
        timeout=_CLOSE_SECONDS,
        heartbeat=_HEARTBEAT_SECONDS,
        max_msg_size=request.app[CONFIG].max_body,
        compress=False,
        autoping=False,
    )
    if not can_upgrade(request, websocket):
        raise UpgradeRequired(headers={"Upgrade": "websocket"})
    await websocket.prepare(request)
    sockets = request.app[INGEST_SOCKETS]
    sockets.add(websocket)
    news: asyncio.Queue[Watch] = asyncio.Queue()
    try:
        async with request.app[HUB].presence.listening(session_id, news.put_nowait):
            news.put_nowait(Watch(await request.app[CACHE].count_viewers(session_id) or 0))
            tell = asyncio.create_task(_tell(websocket, news), name="ingest-news")
            try:
                await _take_batches(request, session_id, websocket)
            finally:
                tell.cancel()
                await asyncio.gather(tell, return_exceptions=True)
    finally:
        sockets.discard(websocket)
    return websocket


async def _take_batches(
    request: web.Request, session_id: UUID, websocket: web.WebSocketResponse
) -> None:
    number = 0
    # Batches count as requests; pings have a bound of their own.
    async for message in SocketMessages(request, websocket, CONTROL):
        try:
            receipt = await _store(request, session_id, message)
        except ApiError as error:
            request.app[REQUESTS].refused[error.code] += 1
            answer = {"type": "error", "message": number, **error_json(error)}
            if error.retry_after is not None:
                answer["retryAfter"] = error.retry_after
            await websocket.send_str(dumps(answer))
            if isinstance(error, Unauthorized):
                await websocket.close(code=UNAUTHORIZED, message=b"key revoked")
            elif error.retry_after is not None:
                await websocket.close(code=TRY_AGAIN_LATER, message=error.code.encode())
        else:
            answer = {"type": "receipt", "message": number, **receipt_json(receipt)}
            await websocket.send_str(dumps(answer))
        number += 1


async def _store(request: web.Request, session_id: UUID, message: WSMessage) -> Receipt:
    """Store one message's batch, as a POST of the same body would. Raises ApiError."""
    key = request[API_KEY]
    if request.app[API_KEYS].has_ended(key.key_id):
        raise Unauthorized
    usage = await count_use(request, key, "ingest")
    request.app[COMMITTER].check_room()
    body = await _body(message, request.app[CONFIG].max_inflated)
    batch = await parse_for(request, session_id, body, idempotency_key=None)
    try:
        receipt = await request.app[RECORDER].append_batch(
            batch, usage, bound_app_id=app_id_of(request)
        )
    except DatabaseUnavailable as error:
        raise StoreUnavailable(retry_after=2) from error
    count_stored(request, receipt, len(message.data))
    return receipt


async def _body(message: WSMessage, limit: int) -> bytes:
    """Return the JSON in a message: text as it is, binary inflated."""
    if message.type is WSMsgType.TEXT:
        text: str = message.data
        return text.encode()
    if message.type is not WSMsgType.BINARY:
        raise InvalidBody("A text or binary message was expected")
    data: bytes = message.data
    try:
        if len(data) <= _INLINE_COMPRESSED:
            return inflate(data, detect_codec(data), limit)
        return await asyncio.to_thread(inflate, data, detect_codec(data), limit)
    except CorruptData as error:
        raise InvalidCompression(str(error)) from error
    except TooLarge as error:
        raise InflatedTooLarge(str(error)) from error


async def _tell(websocket: web.WebSocketResponse, news: asyncio.Queue[Watch]) -> None:
    """Tell the SDK who watches, and when somebody wants a full snapshot."""
    while True:
        watch = await news.get()
        told: dict[str, object] = {"type": "needFullSnapshot"}
        if watch.viewers is not None:
            told = {"type": "watched", "viewers": watch.viewers}
        await websocket.send_str(dumps(told))
