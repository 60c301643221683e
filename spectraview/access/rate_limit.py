"""Rate limits: a window of a minute in Redis, or in this process while Redis is away."""

from collections.abc import Callable
from uuid import UUID

from spectraview.errors import RateLimited
from spectraview.storage.cache import RATE_SECONDS, Cache, Usage
from spectraview.storage.redis import CacheUnavailable


class RateLimiter:
    """Counts requests by name and refuses those above a limit."""

    def __init__(self, cache: Cache, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._clock = clock
        self._local: dict[str, int] = {}
        self._local_until = 0.0

    async def use(self, name: str, place: str, limit: int, session_id: UUID | None = None) -> Usage:
        """Count a request under `name` at a place, a session or a client's address.

        The answer also says who watches the session. Raises RateLimited.
        """
        try:
            usage = await self._cache.use(name, place, session_id)
        except CacheUnavailable:
            usage = Usage(self._use_locally(f"{name}:{place}"))
            left = max(1, round(self._local_until - self._clock()))
        else:
            left = 0
        if usage.requests > limit:
            seconds = left or await self._cache.seconds_left(name, place)
            raise RateLimited(
                f"Too many requests: {limit} a minute",
                retry_after=seconds,
                headers={"RateLimit": f'"minute";r=0;t={seconds}'},
            )
        return usage

    def _use_locally(self, name: str) -> int:
        if self._clock() >= self._local_until:
            self._local.clear()
            self._local_until = self._clock() + RATE_SECONDS
        self._local[name] = self._local.get(name, 0) + 1
        return self._local[name]
