"""Keeps replays in Redis for an hour after they were made (`replay:{session_id}`)."""

from uuid import UUID

from spectraview.storage.redis import CacheUnavailable
from spectraview.storage.redis_cluster import Redis

REPLAY_SECONDS = 3600


class ReplayCache:
    """Holds gzip'd replays, each under its version, the session's batch count: none is ever stale.

    On a pipeline of its own: a replay of megabytes would hold up the short commands of ingest.
    `hits` and `misses` count the replays that this process was asked for.
    """

    def __init__(self, pipeline: Redis) -> None:
        self._pipeline = pipeline
        self.hits = 0
        self.misses = 0

    @property
    def pipeline(self) -> Redis:
        """Return the connection."""
        return self._pipeline

    async def fetch(self, session_id: UUID, version: int) -> bytes | None:
        """Return the cached replay of this version, None when it is not there."""
        data = await self._fetch(session_id)
        tag = b"%d:" % version
        if isinstance(data, bytes) and data.startswith(tag):
            self.hits += 1
            return data[len(tag) :]
        self.misses += 1
        return None

    def keep(self, session_id: UUID, version: int, data: bytes) -> None:
        """Cache a replay."""
        value = b"%d:" % version + data
        self._pipeline.send(("SET", _key(session_id), value, "EX", REPLAY_SECONDS))

    async def _fetch(self, session_id: UUID) -> object:
        try:
            (data,) = await self._pipeline.run(("GET", _key(session_id)))
        except CacheUnavailable:
            return None
        return data


def _key(session_id: UUID) -> str:
    return f"replay:{{{session_id}}}"
