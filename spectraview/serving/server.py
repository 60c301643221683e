"""All connections of a process: how many there may be, and a look at each every second."""

import asyncio
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from spectraview.api.responses import error_response, http_error
from spectraview.config import Config
from spectraview.errors import ExpectationFailed
from spectraview.serving.limits import ConnectionLimits, limits_of
from spectraview.serving.protocol import BoundedHandler

_LOOK_SECONDS = 1.0
_LOOKS_OF_A_TIMEOUT = 4
_AT_ONCE = 500
"""Connections looked at without a pause: about 0.2 ms."""


class BoundedServer(web.Server):
    """aiohttp's server with bounds on its connections."""

    def __init__(self, server: web.Server, limits: ConnectionLimits) -> None:
        super().__init__(
            server.request_handler,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            **server._kwargs,
        )
        self.limits = limits
        self._handle = server.request_handler
        self.request_handler = self._answer
        self._of_address: Counter[str | None] = Counter()
        self._watch: asyncio.Task[None] | None = None

    def __call__(self) -> BoundedHandler:
        """Return what handles a connection."""
        return BoundedHandler(self, loop=self._loop, **self._kwargs)

    def has_room(self, address: str | None) -> bool:
        """Tell whether one more connection may come from an address."""
        most = self.limits.of_one_address
        if most and address is not None and self._of_address[address] >= most:
            return False
        return not self.limits.connections or len(self._connections) < self.limits.connections

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection in."""
        assert isinstance(handler, BoundedHandler), "this server makes no others"
        self._of_address[handler.address] += 1
        super().connection_made(handler, transport)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Count a connection out."""
        assert isinstance(handler, BoundedHandler), "this server makes no others"
        if handler in self._connections:
            self._of_address[handler.address] -= 1
            if not self._of_address[handler.address]:
                del self._of_address[handler.address]
        super().connection_lost(handler, exc)

    def start_watching(self) -> None:
        """Begin to look at the connections."""
        self._watch = asyncio.create_task(self._look(), name="connections")

    async def stop_watching(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _look(self) -> None:
        """End the connections of clients that are too slow.

        One look at all costs less than a timer for each request.
        """
        shortest = min(self.limits.head_timeout, self.limits.answer_timeout)
        pause = min(_LOOK_SECONDS, shortest / _LOOKS_OF_A_TIMEOUT)
        while True:
            await asyncio.sleep(pause)
            connections = list(self._connections.items())
            for start in range(0, len(connections), _AT_ONCE):
                now = self._loop.time()
                for handler, transport in connections[start : start + _AT_ONCE]:
                    assert isinstance(handler, BoundedHandler), "this server makes no others"
                    handler.check(transport, now)
                await asyncio.sleep(0)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; what fails before the application's middlewares fails as JSON too."""
        try:
            return await self._handle(request)
        except web.HTTPException as error:
            return error_response(http_error(error))
        except UnicodeEncodeError:  # aiohttp tells of an expectation that is no text
            return error_response(ExpectationFailed())


class BoundedRunner(web.AppRunner):
    """Runs an application behind a BoundedServer."""

    def __init__(self, app: web.Application, config: Config, **options: Any) -> None:
        super().__init__(app, keepalive_timeout=config.keepalive_timeout, **options)
        self._limits = limits_of(config)
        self._bounded: BoundedServer | None = None

    async def _make_server(self) -> web.Server:
        self._bounded = BoundedServer(await super()._make_server(), self._limits)
        self._bounded.start_watching()
        return self._bounded

    async def _cleanup_server(self) -> None:
        if self._bounded is not None:
            await self._bounded.stop_watching()
        await super()._cleanup_server()
