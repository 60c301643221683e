"""The pub/sub between processes over a Redis Cluster: sharded channels, each on the node of its
session's keys.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from spectraview.live.broker import Broker, Handler
from spectraview.storage.cluster_nodes import ClusterNodes, cluster_seeds

logger = logging.getLogger(__name__)


def open_broker(url: str, on_connection: Callable[[bool], None]) -> "Broker | ClusterBroker":
    """Return the broker for the server or the cluster at an address; to be entered."""
    seeds = cluster_seeds(url)
    return ClusterBroker(seeds, on_connection) if seeds else Broker(url, on_connection)


class ClusterBroker:
    """A broker for each node; like Broker otherwise, and connected while all of them are.

    What is published while a slot moves may be missed, as on a lost connection; `on_connection` is
    told the same then.
    """

    def __init__(self, seeds: Sequence[str], on_connection: Callable[[bool], None]) -> None:
        self._nodes = ClusterNodes(seeds, self._follow_soon)
        self._on_connection = on_connection
        self._brokers: dict[str, Broker] = {}
        self._contexts: dict[str, AsyncExitStack] = {}
        self._handlers: dict[str, Handler] = {}
        self._places: dict[str, str | None] = {}
        self._changing = asyncio.Lock()
        self._follow = asyncio.Event()
        self._told = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._nodes.__aenter__()
        await self._follow_nodes()
        self._task = asyncio.create_task(self._follow_for_ever(), name="broker-nodes")
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
        await self._nodes.__aexit__(kind, error, trace)
        for context in self._contexts.values():
            await context.aclose()

    @property
    def connected(self) -> bool:
        """Tell whether what is published comes here."""
        return bool(self._brokers) and all(b.connected for b in self._brokers.values())

    async def subscribe(self, channel_name: str, handler: Handler) -> None:
        """Subscribe to a channel on its node, and wait a little for the node to say so."""
        async with self._changing:
            self._handlers[channel_name] = handler
            await self._place(channel_name)

    async def unsubscribe(self, channel_name: str) -> None:
        """Leave a channel."""
        async with self._changing:
            self._handlers.pop(channel_name, None)
            broker = self._brokers.get(self._places.pop(channel_name, None) or "")
            if broker is not None:
                await broker.unsubscribe(channel_name)

    async def _place(self, channel_name: str) -> None:
        url = self._nodes.url_of(channel_name)
        self._places[channel_name] = url
        if url is not None and url in self._brokers:
            await self._brokers[url].subscribe(channel_name, self._handlers[channel_name])

    def _follow_soon(self) -> None:
        self._follow.set()

    async def _follow_for_ever(self) -> None:
        while True:
            await self._follow.wait()
            self._follow.clear()
            try:
                await self._follow_nodes()
            except Exception:
                logger.exception("the nodes of the Redis Cluster could not be followed")

    async def _follow_nodes(self) -> None:
        """Open and close brokers as nodes come and go, and move the channels of moved slots."""
        async with self._changing:
            for url in self._nodes.urls - self._brokers.keys():
                broker = Broker(url, self._notice_connection, self._nodes.refresh_soon)
                self._contexts[url] = AsyncExitStack()
                await self._contexts[url].enter_async_context(broker)
                self._brokers[url] = broker
            moved = [c for c, url in self._places.items() if url != self._nodes.url_of(c)]
            for channel_name in moved:
                before = self._brokers.get(self._places[channel_name] or "")
                if before is not None:
                    await before.unsubscribe(channel_name)
                await self._place(channel_name)
            for url in self._brokers.keys() - self._nodes.urls:
                del self._brokers[url]
                await self._contexts.pop(url).aclose()
        if moved and self.connected:
            self._on_connection(True)  # what was published meanwhile was missed
        self._notice_connection(self.connected)

    def _notice_connection(self, _: bool) -> None:
        """Tell of the whole, when it changes."""
        if self.connected != self._told:
            self._told = self.connected
            self._on_connection(self.connected)
