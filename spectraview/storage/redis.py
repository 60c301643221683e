"""The connection to Redis: commands of the same moment share one round trip, and an outage costs
nothing but them.
"""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

Command = tuple[Any, ...]

_COMMAND_TIMEOUT = 0.5
_PAUSE_AFTER_FAILURE = 1.0
_LARGEST_ROUND = 512
_LARGEST_BACKLOG = 20_000


class CacheUnavailable(Exception):
    """Redis does not answer; the caller goes on without it."""


class RedisPipeline:
    """Sends commands in rounds: all that were asked for while the last round was under way go out
    together.

    Use as an async context manager.
    """

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=4,
            timeout=_COMMAND_TIMEOUT,
            socket_timeout=_COMMAND_TIMEOUT,
            socket_connect_timeout=_COMMAND_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis: Redis = Redis.from_pool(pool)  # so that aclose closes its connections
        self._clock = clock
        self._waiting: list[tuple[tuple[Command, ...], asyncio.Future[list[Any]]]] = []
        self._wake = asyncio.Event()
        self._paused_until = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._send_rounds(), name="redis-pipeline")
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
        for _, answer in self._waiting:
            answer.cancel()
        await self._redis.aclose()

    @property
    def available(self) -> bool:
        """Tell whether the last round was answered."""
        return self._clock() >= self._paused_until

    def send(self, *commands: Command) -> asyncio.Future[list[Any]]:
        """Queue commands and return their answers to come; a CacheUnavailable that nobody awaits is
        harmless.
        """
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        if not self.available or len(self._waiting) >= _LARGEST_BACKLOG:
            answer.set_exception(CacheUnavailable())
            answer.exception()  # mark it as seen
        else:
            self._waiting.append((commands, answer))
            self._wake.set()
        return answer

    async def run(self, *commands: Command) -> list[Any]:
        """Return the commands' answers, in order. Raises CacheUnavailable."""
        return await self.send(*commands)

    async def _send_rounds(self) -> None:
        while True:
            await self._wake.wait()
            round_, self._waiting = (
                self._waiting[:_LARGEST_ROUND],
                self._waiting[_LARGEST_ROUND:],
            )
            if not self._waiting:
                self._wake.clear()
            await self._send_round(round_)

    async def _send_round(
        self, round_: list[tuple[tuple[Command, ...], asyncio.Future[list[Any]]]]
    ) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for commands, _ in round_:
            for command in commands:
                pipeline.execute_command(*command)
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError) as error:
            self._fail(round_, error)
            return
        position = 0
        for commands, answer in round_:
            if not answer.done():
                answer.set_result(answers[position : position + len(commands)])
            position += len(commands)

    def _fail(
        self, round_: list[tuple[tuple[Command, ...], asyncio.Future[list[Any]]]], error: Exception
    ) -> None:
        logger.warning("Redis does not answer, going on without it: %s", error)
        self._paused_until = self._clock() + _PAUSE_AFTER_FAILURE
        failed, self._waiting = round_ + self._waiting, []
        self._wake.clear()
        for _, answer in failed:
            if not answer.done():
                answer.set_exception(CacheUnavailable(str(error)))
                answer.exception()  # mark it as seen
