"""The connection to Redis: commands of the same moment share one round trip, and an outage costs
nothing but them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from types import TracebackType
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from spectraview.observability.measures import RedisMeasures
from spectraview.storage.scripts import SCRIPTS, Script

logger = logging.getLogger(__name__)

Command = tuple[Any, ...]


def script_command(script: Script, keys: Sequence[str], *values: object) -> Command:
    """Return the command that runs a script."""
    return ("EVALSHA", script.sha, len(keys), *keys, *values)


COMMAND_TIMEOUT = 0.5
_PAUSE_AFTER_FAILURE = 1.0
_LARGEST_ROUND = 512
_LARGEST_BACKLOG = 20_000


class CacheUnavailable(Exception):
    """Redis does not answer; the caller goes on without it."""


@dataclass(frozen=True, slots=True)
class _Call:
    commands: tuple[Command, ...]
    answer: asyncio.Future[list[Any]]


class RedisPipeline:
    """Sends commands in rounds: all that were asked for while the last round was under way go out
    together.

    Use as an async context manager.
    """

    publish = "PUBLISH"

    def __init__(
        self,
        url: str,
        clock: Callable[[], float],
        *,
        timeout: float = COMMAND_TIMEOUT,
        measures: RedisMeasures | None = None,
    ) -> None:
        self._timeout = timeout
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=1,
            timeout=timeout,
            socket_timeout=None,  # one timeout for a round, not one for each answer
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._clock = clock
        self._waiting: list[_Call] = []
        self._wake = asyncio.Event()
        self._paused_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self.measures = measures or RedisMeasures()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Begin to send; to be ended by leaving the context."""
        self._task = asyncio.create_task(self._send_rounds(), name="redis-pipeline")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for call in self._waiting:
            call.answer.cancel()
        await self._pool.aclose()

    @property
    def available(self) -> bool:
        """Tell whether the last round was answered."""
        return self._clock() >= self._paused_until

    @property
    def backlog(self) -> int:
        """Return how many calls wait for the next round."""
        return len(self._waiting)

    def send(self, *commands: Command) -> asyncio.Future[list[Any]]:
        """Queue commands and return their answers to come; a CacheUnavailable that nobody awaits is
        harmless.
        """
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        if not self.available or len(self._waiting) >= _LARGEST_BACKLOG:
            answer.set_exception(CacheUnavailable())
            answer.exception()  # mark it as seen
            self.measures.dropped += len(commands)
        else:
            self._waiting.append(_Call(commands, answer))
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

    async def _send_round(self, round_: Sequence[_Call]) -> None:
        commands = [command for call in round_ for command in call.commands]
        now = asyncio.get_running_loop().time
        began = now()
        try:
            answers = await self._exchange(commands)
            if any(isinstance(answer, NoScriptError) for answer in answers):
                answers = await self._exchange_again(commands, answers)
        except (RedisError, OSError, TimeoutError) as error:
            self._fail(round_, error)
            return
        self.measures.rounds.observe(now() - began)
        self.measures.commands += len(commands)
        position = 0
        for call in round_:
            if not call.answer.done():
                call.answer.set_result(answers[position : position + len(call.commands)])
            position += len(call.commands)

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return the commands' answers; one that Redis refused has its ResponseError for an answer.

        Straight on a connection: redis-py's pipeline takes several times as long per answer.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout
        # With its greeting, for which redis-py would wait without an end.
        async with asyncio.timeout_at(deadline):
            connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout_at(deadline):
                await connection.send_packed_command(connection.pack_commands(commands))
                return [await _read_answer(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)  # answers may be left over on it
            raise
        finally:
            await self._pool.release(connection)

    async def _exchange_again(
        self, commands: Sequence[Command], answers: Sequence[Any]
    ) -> list[Any]:
        """Load the scripts that a restarted Redis has forgotten, and run again what needed them."""
        refused = [isinstance(answer, NoScriptError) for answer in answers]
        loads: list[Command] = [("SCRIPT", "LOAD", script.source) for script in SCRIPTS]
        again = list(compress(commands, refused))
        fresh = iter((await self._exchange([*loads, *again]))[len(loads) :])
        return [
            next(fresh) if was_refused else answer
            for answer, was_refused in zip(answers, refused, strict=True)
        ]

    def _fail(self, round_: Sequence[_Call], error: Exception) -> None:
        logger.warning("Redis does not answer, going on without it: %r", error)
        self._paused_until = self._clock() + _PAUSE_AFTER_FAILURE
        failed, self._waiting = [*round_, *self._waiting], []
        self.measures.outages += 1
        self.measures.dropped += sum(len(call.commands) for call in failed)
        self._wake.clear()
        for call in failed:
            if not call.answer.done():
                call.answer.set_exception(CacheUnavailable(str(error)))
                call.answer.exception()  # mark it as seen


async def _read_answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
