"""Which node of a Redis Cluster has which keys."""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_REFRESH_INTERVAL = 10.0
_LEAST_INTERVAL = 0.2
_TIMEOUT = 1.0
_OUTAGES = (RedisError, OSError, TimeoutError, ValueError)


def cluster_seeds(redis_url: str) -> tuple[str, ...]:
    """Return the addresses of a cluster's nodes to ask first, none for a single server.

    A cluster is a list of addresses, by commas, or one address with `cluster=true`.
    """
    addresses = [urlsplit(address.strip()) for address in redis_url.split(",")]
    queries = [dict(parse_qsl(address.query)) for address in addresses]
    named = [query.pop("cluster", "false").lower() in ("true", "1", "yes") for query in queries]
    if len(addresses) == 1 and not any(named):
        return ()
    return tuple(
        address._replace(query=urlencode(query)).geturl()
        for address, query in zip(addresses, queries, strict=True)
    )


class ClusterNodes:
    """Keeps the map of slots up to date; use as an async context manager.

    `on_change` is called whenever the map was read, whether or not it has changed.
    """

    def __init__(self, seeds: Sequence[str], on_change: Callable[[], None]) -> None:
        self._seeds = tuple(seeds)
        self._on_change = on_change
        self._starts: list[int] = []
        self._urls: list[str | None] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._refresh()
        self._task = asyncio.create_task(self._keep_fresh(), name="cluster-nodes")
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
    def urls(self) -> frozenset[str]:
        """Return the addresses of all masters that have slots."""
        return frozenset(url for url in self._urls if url is not None)

    def url_of(self, key: str) -> str | None:
        """Return the address of the node that has a key or a sharded channel, None if no node is
        known to.
        """
        place = bisect_right(self._starts, key_slot(key.encode())) - 1
        return self._urls[place] if place >= 0 else None

    def url_at(self, host: str, port: int) -> str:
        """Return the address of a node at this host, reached as the first one is."""
        seed = urlsplit(self._seeds[0])
        user, at, _ = seed.netloc.rpartition("@")
        host = host or seed.hostname or ""
        name = f"[{host}]" if ":" in host else host
        return seed._replace(netloc=f"{user}{at}{name}:{port}").geturl()

    def refresh_soon(self) -> None:
        """Read the map again: something was not where it should be."""
        self._wake.set()

    async def _keep_fresh(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_REFRESH_INTERVAL if self._urls else _TIMEOUT):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._refresh()
            await asyncio.sleep(_LEAST_INTERVAL)

    async def _refresh(self) -> None:
        """Read the map from the first node that tells it."""
        for url in dict.fromkeys((*self.urls, *self._seeds)):
            try:
                ranges = _ranges(await _cluster_slots(url))
            except _OUTAGES as error:
                logger.warning("a node of the Redis Cluster does not answer: %r", error)
                continue
            self._starts, self._urls = [], []
            for start, end, host, port in ranges:
                # What follows a range is nobody's until another begins there.
                self._starts += [start, end + 1]
                self._urls += [self.url_at(host, port), None]
            self._on_change()
            return


def _ranges(answer: list[Any]) -> list[tuple[int, int, str, int]]:
    """Return the ranges of slots in order: first, last, host and port of the master."""
    return sorted(
        (start, end, (master[0] or b"").decode(), master[1]) for start, end, master, *_ in answer
    )


async def _cluster_slots(url: str) -> list[Any]:
    pool: ConnectionPool = ConnectionPool.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=_TIMEOUT,
        socket_timeout=None,
    )
    connection = pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(_TIMEOUT):
            await connection.connect()
            await connection.send_packed_command(connection.pack_command("CLUSTER", "SLOTS"))
            answer = await connection.read_response()
    finally:
        await connection.disconnect(nowait=True)
    if not isinstance(answer, list) or not answer:
        raise RedisError("no slot of the cluster is served")
    return answer
