"""The pub/sub between processes: subscribes to the channels of watched sessions and hands on what
comes.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from spectraview.storage.cache import channel_of
from spectraview.storage.messages import InvalidMessage, Message, decode_message

logger = logging.getLogger(__name__)

_CONTROL = "live:control"
"""Subscribed before anything else: one subscriber at a time opens the connection, and it never
falls idle.
"""
_ACK_TIMEOUT = 2.0
_SILENCE_BEFORE_PING = 1.0
_SILENCE_BEFORE_DEATH = 3.0
_RECONNECT_DELAY = 0.25


class Broker:
    """One pub/sub connection; `on_message` gets what was published, `on_gap` is called when
    something may be missed.

    Use as an async context manager. Without Redis everything works but nothing comes: the head poll
    fills in.
    """

    def __init__(
        self,
        url: str,
        on_message: Callable[[UUID, Message], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=_ACK_TIMEOUT,
            socket_timeout=None,
        )
        self._on_message = on_message
        self._on_gap = on_gap
        self._sessions: dict[bytes, UUID] = {}
        self._acks: dict[bytes, asyncio.Future[None]] = {}
        self._pubsub: PubSub | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

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
        await self._redis.aclose()

    async def subscribe(self, session_id: UUID) -> None:
        """Subscribe to a session's channel and wait for Redis to say so, but not for long."""
        channel = channel_of(session_id).encode()
        self._sessions[channel] = session_id
        if self._pubsub is None:  # subscribed on connecting
            return
        acknowledged = self._acks.setdefault(channel, asyncio.get_running_loop().create_future())
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_ACK_TIMEOUT):
                async with self._lock:
                    await self._pubsub.subscribe(channel)
                await asyncio.shield(acknowledged)

    async def unsubscribe(self, session_id: UUID) -> None:
        """Leave a session's channel."""
        channel = channel_of(session_id).encode()
        self._sessions.pop(channel, None)
        if self._pubsub is None:
            return
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_ACK_TIMEOUT), self._lock:
                await self._pubsub.unsubscribe(channel)

    async def _listen_for_ever(self) -> None:
        while True:
            pubsub = self._redis.pubsub()
            try:
                asked = set(self._sessions)
                await pubsub.subscribe(_CONTROL, *asked)
                self._pubsub = pubsub
                if added := set(self._sessions) - asked:
                    await pubsub.subscribe(*added)
                self._on_gap()
                await self._listen(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("lost the pub/sub connection: %s", error)
            finally:
                self._pubsub = None
                self._acks.clear()
                with suppress(RedisError, OSError, TimeoutError):
                    async with asyncio.timeout(_ACK_TIMEOUT):
                        await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(_RECONNECT_DELAY)

    async def _listen(self, pubsub: PubSub) -> None:
        """Hand on messages until the connection fails or stays silent though pinged."""
        silent = 0.0
        while silent < _SILENCE_BEFORE_DEATH:
            message = await pubsub.get_message(timeout=_SILENCE_BEFORE_PING)
            if message is None:
                silent += _SILENCE_BEFORE_PING
                async with self._lock:
                    await pubsub.ping()
                continue
            silent = 0.0
            self._handle(message)
        raise TimeoutError("silent for too long")

    def _handle(self, message: dict[str, Any]) -> None:
        channel = message["channel"]
        if message["type"] == "subscribe":
            acknowledged = self._acks.pop(channel, None)
            if acknowledged is not None and not acknowledged.done():
                acknowledged.set_result(None)
        elif message["type"] == "message" and channel in self._sessions:
            try:
                self._on_message(self._sessions[channel], decode_message(message["data"]))
            except InvalidMessage as error:
                logger.warning("unreadable message on %s: %s", channel, error)
