"""The pub/sub between processes: one connection to Redis, and a handler for each channel."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AskError, RedisError

logger = logging.getLogger(__name__)

Handler = Callable[[bytes], None]

_OUTAGES = (RedisError, OSError, TimeoutError)
_CONNECT_TIMEOUT = 2.0
_ACK_TIMEOUT = 0.5
_SILENCE_BEFORE_PING = 1.0
_SILENCE_BEFORE_DEATH = 3.0
_RECONNECT_DELAY = 0.25


class Broker:
    """Subscribes to channels; each channel's handler gets what is published there. `on_connection`
    is called when the connection is lost, and when it is there again: what was published in between
    is missed.

    Use as an async context manager. Without Redis everything works but nothing comes: the head poll
    fills in. It speaks RESP2 straight on a connection: redis-py's PubSub reconnects by itself, in
    silence, and fails when a subscription meets that.

    A node of a cluster is spoken to with `on_moved`: its channels are sharded, each is its slot's
    alone, and `on_moved` is called when one of them is not, or no longer, this node's, and whenever
    the node can't be reached: another may take over.
    """

    def __init__(
        self,
        url: str,
        on_connection: Callable[[bool], None],
        on_moved: Callable[[], None] | None = None,
    ) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=_CONNECT_TIMEOUT,
            socket_timeout=None,
        )
        self._on_connection = on_connection
        self._on_moved = on_moved
        self._sharded = "S" if on_moved else ""
        self._handlers: dict[bytes, Handler] = {}
        self._acks: dict[bytes, asyncio.Future[None]] = {}
        self._connection: AbstractConnection | None = None
        self._silent = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen_for_ever(), name="broker")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def connected(self) -> bool:
        """Tell whether what is published comes here."""
        return self._connection is not None

    async def subscribe(self, channel_name: str, handler: Handler) -> None:
        """Subscribe to a channel and wait for Redis to say so, but not for long; once it has let
        somebody wait in vain, not at all until it says something.
        """
        channel = channel_name.encode()
        self._handlers[channel] = handler
        if self._connection is None:  # subscribed on connecting
            return
        acknowledged = self._acks.setdefault(channel, asyncio.get_running_loop().create_future())
        with suppress(*_OUTAGES):
            async with asyncio.timeout(_ACK_TIMEOUT):
                await self._send(self._connection, f"{self._sharded}SUBSCRIBE", channel)
            if not self._silent:
                await asyncio.wait({acknowledged}, timeout=_ACK_TIMEOUT)
                self._silent = not acknowledged.done()

    async def unsubscribe(self, channel_name: str) -> None:
        """Leave a channel."""
        channel = channel_name.encode()
        self._handlers.pop(channel, None)
        if self._connection is None:
            return
        with suppress(*_OUTAGES):
            async with asyncio.timeout(_ACK_TIMEOUT):
                await self._send(self._connection, f"{self._sharded}UNSUBSCRIBE", channel)

    async def _listen_for_ever(self) -> None:
        while True:
            connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT):  # the greeting has none of its own
                    await connection.connect()
                self._connection, self._silent = connection, False
                if self._handlers:
                    commands = connection.pack_commands(self._subscriptions())
                    await connection.send_packed_command(commands)
                self._on_connection(True)
                await self._listen(connection)
            except _OUTAGES as error:
                logger.warning("lost the pub/sub connection: %r", error)
                self._tell_moved()
            except Exception:
                logger.exception("a message broke the pub/sub connection")
            finally:
                if self._connection is not None:
                    self._connection = None
                    self._on_connection(False)
                self._release_subscribers()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(_RECONNECT_DELAY)

    async def _listen(self, connection: AbstractConnection) -> None:
        """Hand on messages until the connection fails, or stays silent though pinged."""
        silent = 0.0
        while silent < _SILENCE_BEFORE_DEATH:
            try:
                message = await connection.read_response(
                    timeout=_SILENCE_BEFORE_PING, disconnect_on_error=False
                )
            except AskError:  # or MovedError, its kind: another node's channel
                self._tell_moved()
                continue
            if message is None:
                silent += _SILENCE_BEFORE_PING
                await self._send(connection, "PING")
            else:
                silent, self._silent = 0.0, False
                self._handle(message)
        raise TimeoutError("silent for too long")

    async def _send(self, connection: AbstractConnection, *words: str | bytes) -> None:
        if not connection.is_connected:  # sending would connect again, unsubscribed
            raise ConnectionError("not connected")
        await connection.send_packed_command(connection.pack_command(*words))

    def _subscriptions(self) -> list[tuple[str | bytes, ...]]:
        if self._sharded:  # they lie in many slots
            return [("SSUBSCRIBE", channel) for channel in self._handlers]
        return [("SUBSCRIBE", *self._handlers)]

    def _handle(self, message: list[bytes]) -> None:
        match message:
            case [b"message" | b"smessage", channel, data]:
                if channel in self._handlers:
                    self._handlers[channel](data)
            case [b"subscribe" | b"ssubscribe", channel, _]:
                acknowledged = self._acks.pop(channel, None)
                if acknowledged is not None and not acknowledged.done():
                    acknowledged.set_result(None)
            case [b"sunsubscribe", channel, _] if channel in self._handlers:
                self._tell_moved()  # nobody here has asked for that: its slot has moved

    def _tell_moved(self) -> None:
        if self._on_moved is not None:
            self._on_moved()

    def _release_subscribers(self) -> None:
        """Let those go on who wait for an answer that no longer comes: the head poll is theirs."""
        for acknowledged in self._acks.values():
            if not acknowledged.done():
                acknowledged.set_result(None)
        self._acks.clear()
