"""One connection: aiohttp's, with a bound on the time and the room that a request's head takes, a
bound on how slowly an answer is taken, and errors in our form.
"""

import asyncio
import fcntl
import logging
import struct
import termios
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from spectraview import errors
from spectraview.api.headers import SAFE
from spectraview.api.responses import error_text
from spectraview.keys import PLACE
from spectraview.live.connection import cut
from spectraview.live.protocol import TRY_AGAIN_LATER
from spectraview.live.wire import close_frame
from spectraview.observability.log_context import REQUEST_ID, new_request_id, request_id_of

if TYPE_CHECKING:
    from spectraview.serving.server import BoundedServer

logger = logging.getLogger(__name__)

_MOST_HEAD = 32_768
"""Bytes of a head that may come in parts; aiohttp bounds each of its lines and their number."""


class BoundedHandler(web.RequestHandler):
    """aiohttp's handler of a connection. It offers no hook for these bounds, so `_waiter`,
    `_request_count` and `_paused` are read here; tests/security fails if they change.
    """

    __slots__ = ("_address", "_head_bytes", "_head_since", "_late_at", "_least_waiting", "_server")

    def __init__(self, server: "BoundedServer", **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._address: str | None = None
        self._head_since: float | None = None
        self._head_bytes = 0
        self._late_at: float | None = None
        self._least_waiting = 0.0

    @property
    def address(self) -> str | None:
        """Return the peer's address, None where there is none."""
        return self._address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection if there is room for it."""
        assert isinstance(transport, asyncio.Transport), "a server's transports are"
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else None
        if not self._server.has_room(self._address):
            transport.write(_refusal(errors.TooManyConnections(retry_after=5)))
            transport.close()
            return
        self._head_since = self._loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and note since when a head is on its way."""
        if self._payload_parser is not None:
            self._take_of_socket(data)
            return
        count = self._request_count
        super().data_received(data)
        if self._request_count != count:
            self._head_since = None
            self._head_bytes = 0
        elif self._waiter is not None and not self._waiter.done():
            self._head_bytes += len(data)
            if self._head_since is None:
                self._head_since = self._loop.time()
            if self._head_bytes > _MOST_HEAD:
                self._refuse(errors.HeadTooLarge())

    def check(self, transport: asyncio.Transport, now: float) -> None:
        """End the connection if its client is too slow."""
        limits = self._server.limits
        if self._head_since is not None and now - self._head_since > limits.head_timeout:
            if self._head_bytes:
                self._refuse(errors.HeadTooSlow())
            self.force_close()
            self._head_since = None
        if self._paused or transport.is_closing():
            self._check_taking(transport, now)
        else:
            self._late_at = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no handler could, as JSON. aiohttp's text would tell a client's own bytes,
        and its log a trace for each.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun: only a broken connection can tell the rest")
        request_id = request_id_of(request.headers.get("X-Request-Id"))
        REQUEST_ID.set(request_id)  # else logs would name the connection's request before
        error: errors.ApiError = errors.InvalidRequest()
        if isinstance(exc, LineTooLong):
            error = errors.HeadTooLarge()
        if status >= 500:
            error = errors.InternalError()
            path = request.rel_url.raw_path
            logger.error("%s %s failed", request.method, path, exc_info=exc)
        else:
            logger.debug("a request of %s can't be read: %.200r", request.remote, exc)
        return _ReadyAnswer(error, request_id)

    def _take_of_socket(self, data: bytes) -> None:
        """Take a WebSocket's bytes if they have room beside what the process holds of others: a
        message that never ends is not seen by any handler.
        """
        request = self._current_request
        place = request.get(PLACE) if request is not None else None
        try:
            if place is not None:
                place.take(len(data))
        except errors.Overloaded:
            if self.transport is not None:
                self.transport.write(close_frame(TRY_AGAIN_LATER, "overloaded"))
            self.force_close()
        else:
            super().data_received(data)

    def _refuse(self, error: errors.ApiError) -> None:
        """Answer a head that is not read any further."""
        if self.transport is not None:
            self.transport.write(_refusal(error))
        self.force_close()

    def _check_taking(self, transport: asyncio.Transport, now: float) -> None:
        """Cut the connection if its client takes too few of the bytes that wait for it."""
        waiting = transport.get_write_buffer_size()
        if not waiting:
            self._late_at = None
            return
        waiting += _waiting_in_the_kernel(transport)
        limits = self._server.limits
        if self._late_at is None or waiting <= self._least_waiting:
            self._late_at = now + limits.answer_timeout
            self._least_waiting = max(0.0, waiting - limits.least_taken)
        elif now > self._late_at:
            logger.info("cut a client of %s that takes too little", self._address)
            cut(transport)


class _ReadyAnswer(web.Response):
    """A failure's answer to a request that never became one: no signal is sent for it, and aiohttp
    would add what it is.
    """

    def __init__(self, error: errors.ApiError, request_id: str) -> None:
        super().__init__(status=error.status)
        self._bytes = raw_answer(error, request_id)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send all at once."""
        if request.transport is not None:
            request.transport.write(self._bytes)

    async def write_eof(self, data: bytes = b"") -> None:
        """Send nothing more."""


def raw_answer(error: errors.ApiError, request_id: str) -> bytes:
    """Return a whole answer, for who has no request that could be answered."""
    text = error_text(error)
    headers = {
        **SAFE,
        "X-Request-Id": request_id,
        "Content-Type": "application/json",
        "Content-Length": str(len(text)),
        "Connection": "close",
    }
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    lines = [f"HTTP/1.1 {error.status.value} {error.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + text


def _refusal(error: errors.ApiError) -> bytes:
    """Return the answer to a request whose head was not read."""
    request_id = new_request_id()
    logger.debug("refused what is request %s here: %s", request_id, error)
    return raw_answer(error, request_id)


def _waiting_in_the_kernel(transport: asyncio.Transport) -> int:
    """Return the bytes that the system has yet to bring to the peer, 0 where it can't tell."""
    opened = transport.get_extra_info("socket")
    try:
        found = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    except (OSError, ValueError):  # closed, or a system without it
        return 0
    size: int = struct.unpack("i", found)[0]
    return size
