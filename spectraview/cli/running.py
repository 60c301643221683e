"""Runs the application in this process until it is asked to stop, then ends it in order."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from socket import socket

from aiohttp import web

from spectraview.app import drain
from spectraview.config import Config
from spectraview.keys import ADMISSION, COMMITTER, LOOP
from spectraview.serving.access_log import AccessLogger
from spectraview.serving.garbage import rare_collections
from spectraview.serving.limits import allow_open_files
from spectraview.serving.server import BoundedRunner

logger = logging.getLogger(__name__)

_BACKLOG = 1024
_LINGER = 0.5
"""Seconds in which connections that came just before the listener closed, or are kept alive, may
still send a request.
"""
_LAST_SECONDS = 1.0
"""Of the time for a shutdown, what is kept for answers to be written."""


class StopRequest:
    """Asks the application to stop, at once or after the delay that load balancers need."""

    def __init__(self) -> None:
        self.at_once = False
        self._asked = asyncio.Event()

    @property
    def asked(self) -> bool:
        """Tell whether the application is to stop."""
        return self._asked.is_set()

    def ask(self, *, at_once: bool = False) -> None:
        """Make the application stop."""
        self.at_once = self.at_once or at_once
        self._asked.set()

    async def wait(self) -> None:
        """Return when it is time to stop."""
        await self._asked.wait()


@contextmanager
def stopped_by_signals(stop: StopRequest) -> Iterator[None]:
    """Let SIGTERM and SIGINT ask to stop, and a second one end the running task at once."""
    task = asyncio.current_task()
    assert task is not None, "coroutines run in tasks"

    def end() -> None:
        if stop.asked:
            task.cancel()
        stop.ask()

    with handled_signals({signal.SIGTERM: end, signal.SIGINT: end}):
        yield


@contextmanager
def handled_signals(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Handle signals in the event loop while the context lasts."""
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number, before in previous.items():
            loop.remove_signal_handler(number)
            signal.signal(number, before)


async def run_application(
    app: web.Application,
    listener: socket,
    config: Config,
    stop: StopRequest,
    started: Callable[[], None],
) -> None:
    """Serve until asked to stop."""
    _allow_connections(config)
    runner = BoundedRunner(
        app,
        config,
        shutdown_timeout=_LAST_SECONDS / 2,  # aiohttp waits for it twice
        access_log=logging.getLogger("spectraview.access") if config.access_log else None,
        access_log_class=AccessLogger,
    )
    await runner.setup()
    try:
        site = web.SockSite(runner, listener, backlog=_BACKLOG)
        async with rare_collections(lambda: app[LOOP].busy):
            await site.start()
            started()
            await stop.wait()
            await _drain(runner, site, config, stop)
    finally:
        app[COMMITTER].give_up()
        await runner.cleanup()


def _allow_connections(config: Config) -> None:
    room = allow_open_files(config.max_connections)
    if room < config.max_connections:
        logger.warning(
            "the system's limit on open files leaves room for %s connections, not for %s",
            room,
            config.max_connections,
        )


async def _drain(
    runner: web.AppRunner, site: web.SockSite, config: Config, stop: StopRequest
) -> None:
    """Take nothing new, and let end what runs: by itself in time, else cut off.

    Must come before aiohttp's own cleanup, from which on nothing that clients send is read: neither
    the rest of a body nor the answer to a close.
    """
    app = runner.app
    app[ADMISSION].draining = True
    if not stop.at_once:
        await asyncio.sleep(config.drain_delay)
    await site.stop()
    try:
        async with asyncio.timeout(config.shutdown_timeout - 2 * _LAST_SECONDS):
            await asyncio.gather(drain(app), asyncio.sleep(_LINGER))
            await app[ADMISSION].idle()
    except TimeoutError:
        app[COMMITTER].give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await app[ADMISSION].idle()
        _cut(runner)


def _cut(runner: web.AppRunner) -> None:
    """Cut the connections whose requests do not end: their clients take or send too slowly."""
    assert runner.server is not None, "it has been set up"
    for connection in runner.server.connections:
        if connection.transport is not None:
            connection.transport.abort()
