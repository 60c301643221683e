"""The live view as server-sent events, for networks without WebSockets."""

import asyncio
import itertools
from typing import Literal

from aiohttp import web

from spectraview.api.parameters import Choice, Whole
from spectraview.api.requests import app_id_of, session_id_of
from spectraview.api.showing import show_until_gone
from spectraview.keys import CONFIG, HUB
from spectraview.live.connection import Connection, EventStreamConnection, Stalled
from spectraview.live.protocol import Resume, Subscription
from spectraview.live.viewer import ViewerClosed
from spectraview.live.wire import KEEP_ALIVE

_KEEP_ALIVE_SECONDS = 15
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would wait for more
}

_Start = Literal["keyframe", "start", "now"]
_STARTS: tuple[tuple[_Start, _Start], ...] = (
    ("keyframe", "keyframe"),
    ("start", "start"),
    ("now", "now"),
)
_FROM = Choice("from", "Server-sent events: where to begin.", _STARTS)
_SEQUENCE = Whole("sequence", "Server-sent events: begin at this event.")
STREAM_PARAMETERS = (_FROM, _SEQUENCE)


def wants_event_stream(request: web.Request) -> bool:
    """Tell whether the client asks for server-sent events."""
    return "text/event-stream" in request.headers.get("Accept", "")


async def stream_session(request: web.Request) -> web.StreamResponse:
    """Show a session as server-sent events.

    It begins after `Last-Event-ID`, else at `?sequence=`, else where `?from=` says.
    """
    session_id = session_id_of(request)
    subscription = _subscription(request)
    session = await request.app[HUB].session(session_id, app_id_of(request))
    if session.ended and _has_all(subscription, session.next_sequence):
        return web.Response(status=204)  # the answer that keeps an EventSource from coming again
    response = web.StreamResponse(headers=_HEADERS)
    writer = await response.prepare(request)
    transport = request.transport
    assert writer is not None, "prepared for the first time"
    assert isinstance(transport, asyncio.Transport), "prepare would have failed"
    config = request.app[CONFIG]
    connection = EventStreamConnection(
        writer,
        transport,
        buffer_bytes=config.viewer_buffer,
        stall_timeout=config.stall_timeout,
    )
    try:
        gone = _until_gone(connection)
        await show_until_gone(request, session_id, connection, subscription, gone)
    except ViewerClosed as closed:
        await connection.close(closed.code, closed.reason)
    except Stalled:
        connection.abort()
    return response


def _subscription(request: web.Request) -> Subscription:
    last_id = request.headers.get("Last-Event-ID")
    if last_id and last_id.isascii() and last_id.isdigit():
        return Subscription(Resume(sequence=int(last_id) + 1), "stream")
    sequence = _SEQUENCE.of(request)
    if sequence is not None:
        return Subscription(Resume(sequence=sequence), "stream")
    return Subscription(_FROM.of(request) or "keyframe", "stream")


def _has_all(subscription: Subscription, next_sequence: int) -> bool:
    start = subscription.start
    return isinstance(start, Resume) and (start.sequence or 0) >= next_sequence


async def _until_gone(connection: Connection) -> None:
    """Keep the connection awake, for proxies that cut idle ones, until the client leaves."""
    for second in itertools.count(1):  # aiohttp tells a running handler nothing
        await asyncio.sleep(1)
        if connection.gone:
            return
        if second % _KEEP_ALIVE_SECONDS == 0:
            connection.write(KEEP_ALIVE)
