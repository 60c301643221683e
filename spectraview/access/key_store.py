"""Makes and changes API keys; whatever it does stands in the audit log, in the same transaction."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from spectraview.access.key import (
    NO_LIMITS,
    ApiKey,
    KeyLimits,
    api_key_from_row,
    key_hash,
    key_hint,
)
from spectraview.errors import KeyNotFound, LastAdminKey
from spectraview.storage import queries
from spectraview.storage.audit import COMMAND_LINE, Actor
from spectraview.storage.database import Database


@dataclass(frozen=True, slots=True)
class KeySettings:
    """What is set of a key. Scopes and app stay for its life: a key that is out in a page shall
    never open more than it did.
    """

    name: str
    scopes: tuple[str, ...]
    app_id: str | None = None
    origins: tuple[str, ...] = ()
    scrub: tuple[str, ...] = ()
    ttl_hours: int | None = None
    expires_at: datetime | None = None
    limits: KeyLimits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a key has used today (UTC), as far as the processes have written it down."""

    requests: int
    bytes: int
    events: int


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with what it has used."""

    key: ApiKey
    use: KeyUse


class KeyStore:
    """Keys in the database; `app_id` narrows a method to the keys of an app, None leaves all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, text: str, settings: KeySettings, actor: Actor = COMMAND_LINE
    ) -> int | None:
        """Store a key and return its id; None when its text is or was a key: that stays as it
        is.
        """
        row = await self._database.fetch_one(
            queries.CREATE_API_KEY, {**_columns(settings), **_text(text), **_who(actor)}
        )
        return int(row[0]) if row else None

    async def list_keys(
        self, app_id: str | None = None, *, after: int = 0, limit: int | None = None
    ) -> list[KnownKey]:
        """Return keys in the order of their making, revoked ones too."""
        return await self._list(None, app_id, after, limit)

    async def get(self, key_id: int, app_id: str | None = None) -> KnownKey:
        """Return a key. Raises KeyNotFound."""
        found = await self._list(key_id, app_id, 0, 1)
        if not found:
            raise KeyNotFound
        return found[0]

    async def change(
        self, key_id: int, settings: KeySettings, changes: Collection[str], actor: Actor
    ) -> None:
        """Set the members of a key that `changes` names. Raises KeyNotFound if it is revoked."""
        parameters = {**_columns(settings), "key_id": key_id, "changes": sorted(changes)}
        if await self._database.fetch_one(queries.CHANGE_API_KEY, {**parameters, **_who(actor)}):
            return
        raise KeyNotFound

    async def rotate(self, key_id: int, text: str, overlap: int, actor: Actor) -> None:
        """Give a key a new text; those before are good for `overlap` seconds more at the most.

        Raises KeyNotFound if it is revoked.
        """
        parameters = {"key_id": key_id, "overlap": overlap, **_text(text), **_who(actor)}
        if not await self._database.fetch_one(queries.ROTATE_API_KEY, parameters):
            raise KeyNotFound

    async def revoke(
        self, key_id: int, actor: Actor = COMMAND_LINE, *, force: bool = False
    ) -> bool:
        """Revoke a key; tell whether there was one to revoke.

        Raises LastAdminKey: nobody could make keys over the API any more. `force` does so.
        """
        parameters = {"key_id": key_id, "force": force, **_who(actor)}
        if await self._database.fetch_one(queries.REVOKE_API_KEY, parameters):
            return True
        found = await self._list(key_id, None, 0, 1)
        if found and found[0].key.revoked_at is None:
            raise LastAdminKey
        return False

    async def _list(
        self, key_id: int | None, app_id: str | None, after: int, limit: int | None
    ) -> list[KnownKey]:
        rows = await self._database.fetch_all(
            queries.LIST_API_KEYS,
            {"key_id": key_id, "app_id": app_id, "after": after, "limit": limit},
        )
        return [KnownKey(api_key_from_row(row[:18]), KeyUse(*row[18:])) for row in rows]


def settings_of(key: ApiKey) -> KeySettings:
    """Return what is set of a key."""
    return KeySettings(
        key.name,
        tuple(sorted(key.scopes)),
        key.app_id,
        tuple(sorted(key.origins)),
        tuple(sorted(key.scrub)),
        key.ttl_hours,
        key.expires_at,
        replace(key.limits),
    )


def _columns(settings: KeySettings) -> dict[str, object]:
    return {
        "name": settings.name,
        "app_id": settings.app_id,
        "scopes": list(settings.scopes),
        "origins": list(settings.origins),
        "scrub": list(settings.scrub),
        "ttl_hours": settings.ttl_hours,
        "expires_at": settings.expires_at,
        **asdict(settings.limits),
    }


def _text(text: str) -> dict[str, object]:
    return {"key_hash": key_hash(text), "hint": key_hint(text)}


def _who(actor: Actor) -> dict[str, object]:
    return {"actor_key_id": actor.key_id, "request_id": actor.request_id}
