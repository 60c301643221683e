"""API keys: random texts of which only a hash is stored, with scopes, one app or all, and allowed
origins.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from spectraview.storage import queries
from spectraview.storage.database import Database, DatabaseUnavailable, Row
from spectraview.storage.shared import SharedCalls

SCOPES = ("ingest", "read", "admin")

_REMEMBER_SECONDS = 10.0
_LOOKUP_SECONDS = 2.0
_PAUSE_SECONDS = 1.0
"""How long what was known stays in use when PostgreSQL does not answer."""
_REMEMBERED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored; `app_id` None is every app, no origins are all origins. The admin
    scope holds all others. `scrub` names what is masked in all that comes in by the key.
    """

    key_id: int
    name: str
    app_id: str | None
    scopes: frozenset[str]
    origins: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None
    ttl_hours: int | None = None
    """How long the sessions live that are made with it, unless they say so themselves."""
    scrub: frozenset[str] = frozenset()

    def allows(self, scope: str) -> bool:
        """Tell whether the key may be used for `scope`."""
        return scope in self.scopes or "admin" in self.scopes

    def allows_origin(self, origin: str | None) -> bool:
        """Tell whether a page of this origin may use the key; requests without an origin come from
        no page.
        """
        return origin is None or not self.origins or origin in self.origins


def new_key_text(scopes: Sequence[str]) -> str:
    """Return a fresh key: 256 random bits behind a prefix that says what it is."""
    return f"sv_{'_'.join(scopes)}_{secrets.token_urlsafe(32)}"


def key_hash(text: str) -> bytes:
    """Return the SHA-256 under which a key is stored: the text is random, so no slow hash is
    needed.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class ApiKeys:
    """Finds keys, remembering each for some seconds: a revoked key stops working within that time.

    While PostgreSQL is away, what was known stays known.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[float, ApiKey | None]] = {}
        self._revoked: set[int] = set()
        self._lookups: SharedCalls[ApiKey | None] = SharedCalls("api-key-lookup")

    async def find(self, text: str) -> ApiKey | None:
        """Return the key of this text, None when there is none or it is revoked."""
        hashed = key_hash(text)
        until, known = self._known.get(hashed, (0.0, None))
        if until > self._clock():
            return known
        return await self._lookups.get(hashed, lambda: self._look_up(hashed))

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
    ) -> None:
        """Store a key; one that is stored already stays as it is."""
        await self._database.fetch_one(
            queries.CREATE_API_KEY,
            {
                "name": name,
                "key_hash": key_hash(text),
                "app_id": app_id,
                "scopes": list(scopes),
                "origins": list(origins),
                "ttl_hours": ttl_hours,
                "scrub": list(scrub),
            },
        )

    async def forget_revoked(self) -> set[int]:
        """Forget the keys that were revoked since the last call, and return their ids."""
        rows = await self._database.fetch_all(queries.LIST_REVOKED_KEYS)
        for key_id, hashed in rows:
            if key_id not in self._revoked:
                self._known.pop(bytes(hashed), None)
        known, self._revoked = self._revoked, {key_id for key_id, _ in rows}
        return self._revoked - known

    def is_revoked(self, key_id: int) -> bool:
        """Tell whether a key is known to be revoked."""
        return key_id in self._revoked

    async def list_keys(self) -> Sequence[ApiKey]:
        """Return all keys, revoked ones too."""
        rows = await self._database.fetch_all(queries.LIST_API_KEYS)
        return [_api_key_from_row(row) for row in rows]

    async def revoke(self, key_id: int) -> bool:
        """Revoke a key; tell whether there was one to revoke."""
        row = await self._database.fetch_one(queries.REVOKE_API_KEY, {"key_id": key_id})
        return row is not None

    async def _look_up(self, hashed: bytes) -> ApiKey | None:
        try:
            row = await self._database.fetch_one(
                queries.FIND_API_KEY, {"key_hash": hashed}, within=_LOOKUP_SECONDS
            )
        except DatabaseUnavailable:
            if hashed not in self._known:
                raise
            known = self._known[hashed][1]
            self._known[hashed] = (self._clock() + _PAUSE_SECONDS, known)
            return known
        found = _api_key_from_row(row) if row else None
        if len(self._known) >= _REMEMBERED_KEYS:  # somebody tries keys
            self._known.clear()
        self._known[hashed] = (self._clock() + _REMEMBER_SECONDS, found)
        return found


def _api_key_from_row(row: Row) -> ApiKey:
    key_id, name, app_id, scopes, origins, created_at, revoked_at, ttl_hours, scrub = row
    return ApiKey(
        key_id,
        name,
        app_id,
        frozenset(scopes),
        frozenset(origins),
        created_at,
        revoked_at,
        ttl_hours,
        frozenset(scrub),
    )
