"""Keeps replays in Redis for an hour after they were made (`replay:{session_id}`)."""

from uuid import UUID

from spectraview.storage.redis import CacheUnavailable, RedisPipeline

REPLAY_SECONDS = 3600


class ReplayCache:
    """Holds gzip'd replays, each under its version, the session's batch count: none is ever stale.

    On a pipeline of its own: a replay of megabytes would hold up the short commands of ingest.
    """

    def __init__(self, pipeline: RedisPipeline) -> None:
        self._pipeline = pipeline

    async def fetch(self, session_id: UUID, version: int) -> bytes | None:
        """Return the cached replay of this version, None when it is not there."""
        try:
            (data,) = await self._pipeline.run(("GET", _key(session_id)))
        except CacheUnavailable:
            return None
        tag = b"%d:" % version
        return data[len(tag) :] if isinstance(data, bytes) and data.startswith(tag) else None

    def keep(self, session_id: UUID, version: int, data: bytes) -> None:
        """Cache a replay."""
        value = b"%d:" % version + data
        self._pipeline.send(("SET", _key(session_id), value, "EX", REPLAY_SECONDS))


def _key(session_id: UUID) -> str:
    return f"replay:{{{session_id}}}"
