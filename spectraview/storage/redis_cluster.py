"""The connections to a Redis Cluster: a pipeline to each node, and each call goes to the one that
has its keys.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from redis.exceptions import AskError, MovedError, ResponseError

from spectraview.observability.measures import RedisMeasures
from spectraview.storage.cluster_nodes import ClusterNodes, cluster_seeds
from spectraview.storage.redis import COMMAND_TIMEOUT, CacheUnavailable, Command, RedisPipeline

_KEYLESS = frozenset({"PING"})
_SCRIPT_KEY = 3
_MOVES = 3
"""How often a command follows its keys: to where they were moved, and on while they move."""


def open_redis(
    url: str, clock: Callable[[], float], *, timeout: float = COMMAND_TIMEOUT
) -> "Redis":
    """Return the connections to the server or the cluster at an address; to be entered."""
    if seeds := cluster_seeds(url):
        return ClusterPipeline(seeds, clock, timeout=timeout)
    return RedisPipeline(url, clock, timeout=timeout)


class ClusterPipeline:
    """Sends each call's commands to the node that has their keys, which share a slot.

    Use as an async context manager. Like RedisPipeline otherwise; an outage of a node concerns its
    keys alone.
    """

    publish = "SPUBLISH"

    def __init__(
        self, seeds: Sequence[str], clock: Callable[[], float], *, timeout: float = COMMAND_TIMEOUT
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._nodes = ClusterNodes(seeds, self._follow_nodes)
        self._pipelines: dict[str, RedisPipeline] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.measures = RedisMeasures()

    async def __aenter__(self) -> Self:
        await self._nodes.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._nodes.__aexit__(kind, error, trace)
        for pipeline in self._pipelines.values():
            await pipeline.__aexit__(kind, error, trace)
        await asyncio.gather(*self._closing)

    @property
    def available(self) -> bool:
        """Tell whether all nodes answered last."""
        urls = self._nodes.urls
        return bool(urls) and all(
            url not in self._pipelines or self._pipelines[url].available for url in urls
        )

    @property
    def backlog(self) -> int:
        """Return how many calls wait for the next rounds."""
        return sum(pipeline.backlog for pipeline in self._pipelines.values())

    def send(self, *commands: Command) -> asyncio.Future[list[Any]]:
        """Queue commands whose keys share a slot, and return their answers to come; those of a
        command without keys are every node's.
        """
        if commands[0][0] in _KEYLESS:
            task = asyncio.create_task(self._ask_all(commands), name="redis-nodes")
            task.add_done_callback(_see)
            return task
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_see)
        self._send_to(self._nodes.url_of(_key_of(commands[0])), commands, answer, _MOVES)
        return answer

    async def run(self, *commands: Command) -> list[Any]:
        """Return the commands' answers, in order. Raises CacheUnavailable."""
        return await self.send(*commands)

    async def _ask_all(self, commands: Sequence[Command]) -> list[Any]:
        if not self._nodes.urls:
            raise CacheUnavailable
        answers = await asyncio.gather(
            *(self._pipeline(url).run(*commands) for url in self._nodes.urls)
        )
        return answers[0]

    def _send_to(
        self,
        url: str | None,
        commands: Sequence[Command],
        answer: asyncio.Future[list[Any]],
        moves: int,
    ) -> None:
        if url is None:
            self._nodes.refresh_soon()
            answer.set_exception(CacheUnavailable("no node of the cluster has this key"))
            return

        def take(sent: asyncio.Future[list[Any]]) -> None:
            self._take(sent, commands, answer, moves)

        self._pipeline(url).send(*commands).add_done_callback(take)

    def _take(
        self,
        sent: asyncio.Future[list[Any]],
        commands: Sequence[Command],
        answer: asyncio.Future[list[Any]],
        moves: int,
    ) -> None:
        """Hand on a node's answers, or go on where it says that the keys are."""
        if answer.done() or sent.cancelled():
            answer.cancel()
            return
        if error := sent.exception():
            self._nodes.refresh_soon()  # another node may have taken over
            answer.set_exception(error)
            return
        moved = next((a for a in sent.result() if isinstance(a, AskError)), None)
        if moved is None or not moves:
            if any(_is_down(one) for one in sent.result()):
                self._nodes.refresh_soon()
            answer.set_result(sent.result())
            return
        if isinstance(moved, MovedError):
            self._nodes.refresh_soon()
            again = list(commands)
        else:  # the slot is on its way: only who says ASKING is served there
            again = [c for command in commands for c in (("ASKING",), command)]
        target = self._nodes.url_at(moved.host, moved.port)
        following = asyncio.get_running_loop().create_future()
        following.add_done_callback(lambda f: _hand_on(f, answer, len(again) // len(commands)))
        self._send_to(target, again, following, moves - 1)

    def _pipeline(self, url: str) -> RedisPipeline:
        if url not in self._pipelines:
            pipeline = RedisPipeline(
                url, self._clock, timeout=self._timeout, measures=self.measures
            )
            pipeline.start()
            self._pipelines[url] = pipeline
        return self._pipelines[url]

    def _follow_nodes(self) -> None:
        """Let the connections to nodes go that have no slots any more."""
        for url in self._pipelines.keys() - self._nodes.urls:
            pipeline = self._pipelines.pop(url)
            task = asyncio.create_task(pipeline.__aexit__(None, None, None), name="redis-closing")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


Redis = RedisPipeline | ClusterPipeline


def _key_of(command: Command) -> str:
    return str(command[_SCRIPT_KEY if command[0] == "EVALSHA" else 1])


def _is_down(answer: object) -> bool:
    return isinstance(answer, ResponseError) and str(answer).startswith("CLUSTERDOWN")


def _hand_on(done: asyncio.Future[list[Any]], answer: asyncio.Future[list[Any]], each: int) -> None:
    """Give on the last of each `each` answers."""
    if answer.done() or done.cancelled():
        answer.cancel()
    elif error := done.exception():
        answer.set_exception(error)
    else:
        answer.set_result(done.result()[each - 1 :: each])


def _see(answer: asyncio.Future[list[Any]]) -> None:
    """Mark an outage as seen: that nobody awaits it is harmless."""
    if not answer.cancelled():
        answer.exception()
