"""Finds API keys by their texts."""

from collections.abc import Callable, Sequence

from spectraview.access.key import (
    NO_LIMITS,
    SCOPES,
    ApiKey,
    KeyLimits,
    api_key_from_row,
    key_hash,
    new_key_text,
)
from spectraview.access.key_store import KeySettings, KeyStore
from spectraview.storage import queries
from spectraview.storage.database import Database, DatabaseUnavailable
from spectraview.storage.shared import SharedCalls

__all__ = ["SCOPES", "ApiKey", "ApiKeys", "KeyLimits", "new_key_text"]

_REMEMBER_SECONDS = 10.0
_LOOKUP_SECONDS = 2.0
_PAUSE_SECONDS = 1.0
"""How long what was known stays in use when PostgreSQL does not answer."""
_REMEMBERED_KEYS = 10_000


class ApiKeys:
    """Finds keys, remembering each for some seconds: what is changed holds within that time.

    While PostgreSQL is away, what was known stays known.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self.store = KeyStore(database)
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[float, ApiKey | None]] = {}
        self._unknown: dict[bytes, tuple[float, ApiKey | None]] = {}
        self._ended: set[int] = set()
        self._lookups: SharedCalls[ApiKey | None] = SharedCalls("api-key-lookup")

    async def find(self, text: str) -> ApiKey | None:
        """Return the key of this text, None when there is none or it is good no more."""
        hashed = key_hash(text)
        until, key = self._known.get(hashed) or self._unknown.get(hashed) or (0.0, None)
        if until <= self._clock():
            key = await self._lookups.get(hashed, lambda: self._look_up(hashed))
        return None if key is None or key.key_id in self._ended else key

    async def create(
        self,
        name: str,
        text: str,
        scopes: Sequence[str],
        *,
        app_id: str | None = None,
        origins: Sequence[str] = (),
        ttl_hours: int | None = None,
        scrub: Sequence[str] = (),
        limits: KeyLimits = NO_LIMITS,
    ) -> int | None:
        """Store a key; one that is stored already stays as it is."""
        settings = KeySettings(
            name,
            tuple(scopes),
            app_id,
            tuple(origins),
            tuple(scrub),
            ttl_hours,
            limits=limits,
        )
        return await self.store.create(text, settings)

    async def list_keys(self) -> Sequence[ApiKey]:
        """Return all keys, revoked ones too."""
        return [known.key for known in await self.store.list_keys()]

    async def revoke(self, key_id: int) -> bool:
        """Revoke a key; tell whether there was one to revoke. Raises LastAdminKey."""
        return await self.store.revoke(key_id)

    async def forget_ended(self) -> set[int]:
        """Forget the keys that were revoked or have expired since the last call, and return their
        ids; and the texts that a rotation has ended.
        """
        rows = await self._database.fetch_all(queries.LIST_ENDED_KEYS)
        for _, hashed in rows:
            if hashed is not None:
                self._known.pop(bytes(hashed), None)
        known, self._ended = self._ended, {key_id for key_id, _ in rows if key_id is not None}
        return self._ended - known

    def forget(self, key_id: int) -> None:
        """Look a key up again when it is next used: it was changed."""
        for hashed in [h for h, (_, key) in self._known.items() if key and key.key_id == key_id]:
            del self._known[hashed]

    def has_ended(self, key_id: int) -> bool:
        """Tell whether a key is known to be revoked or expired."""
        return key_id in self._ended

    async def _look_up(self, hashed: bytes) -> ApiKey | None:
        try:
            row = await self._database.fetch_one(
                queries.FIND_API_KEY, {"key_hash": hashed}, within=_LOOKUP_SECONDS
            )
        except DatabaseUnavailable:
            kept = self._known if hashed in self._known else self._unknown
            if hashed not in kept:
                raise
            known = kept[hashed][1]
            kept[hashed] = (self._clock() + _PAUSE_SECONDS, known)
            return known
        found, left = (api_key_from_row(row[:-1]), row[-1]) if row else (None, None)
        seconds = _REMEMBER_SECONDS if left is None else min(_REMEMBER_SECONDS, left)
        self._known.pop(hashed, None)
        # Apart: who tries keys must not make all others be looked up again.
        kept = self._known if found is not None else self._unknown
        if len(kept) >= _REMEMBERED_KEYS:
            kept.clear()
        kept[hashed] = (self._clock() + seconds, found)
        return found
