"""API keys: random texts of which only a hash is stored, with scopes, one app or all, and allowed
origins.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from spectraview.storage.database import Row

SCOPES = ("ingest", "read", "admin")

_HINTED = 4
"""Characters of a key's end that are kept to recognise it: 24 of its 256 bits."""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may do in a minute, in place of the server's settings, and in a day; None is no
    limit of the key's own.
    """

    ingest_per_minute: int | None = None
    read_per_minute: int | None = None
    requests_per_day: int | None = None
    bytes_per_day: int | None = None
    events_per_day: int | None = None

    @property
    def has_quota(self) -> bool:
        """Tell whether anything is limited by the day."""
        quotas = (self.requests_per_day, self.bytes_per_day, self.events_per_day)
        return any(quota is not None for quota in quotas)


NO_LIMITS = KeyLimits()


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
    limits: KeyLimits = NO_LIMITS
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    hint: str | None = None
    older_text_until: datetime | None = None
    """Until when a text is good that the key had before it was rotated."""

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


def key_hint(text: str) -> str | None:
    """Return how a key begins and ends, None for one that we have not made."""
    prefix = next((f"sv_{scope}_" for scope in SCOPES if text.startswith(f"sv_{scope}_")), None)
    return f"{prefix}…{text[-_HINTED:]}" if prefix and len(text) > len(prefix) + 40 else None


def api_key_from_row(row: Row) -> ApiKey:
    """Return a key from the columns that the queries select."""
    key_id, name, app_id, scopes, origins, created_at, revoked_at, ttl_hours, scrub = row[:9]
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
        KeyLimits(*row[9:14]),
        *row[14:18],
    )
