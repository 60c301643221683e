"""The audit log: who did what, and when; nothing about the persons who were recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from spectraview.storage import queries
from spectraview.storage.database import Database, Row

AuditedAction = Literal[
    "create_key",
    "change_key",
    "rotate_key",
    "revoke_key",
    "delete_session",
    "delete_user",
    "export_user",
    "export_session",
    "import_session",
    "set_app",
]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a key, by a request; no key is the command line."""

    key_id: int | None = None
    request_id: str | None = None


COMMAND_LINE: Final = Actor()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One administrative act; `changes` names the members that were changed, never values."""

    entry_id: int
    created_at: datetime
    action: str
    key_id: int | None
    app_id: str | None
    target_key_id: int | None
    changes: tuple[str, ...]
    sessions: int | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is looked for; None is everything."""

    app_id: str | None = None
    action: str | None = None
    key_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditLog:
    """Writes down what was done, and finds it again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self,
        action: AuditedAction,
        actor: Actor = COMMAND_LINE,
        *,
        app_id: str | None = None,
        sessions: int | None = None,
    ) -> None:
        """Write down what was done."""
        await self._database.fetch_all(
            queries.NOTE_AUDIT,
            {
                "action": action,
                "key_id": actor.key_id,
                "app_id": app_id,
                "sessions": sessions,
                "request_id": actor.request_id,
            },
        )

    async def list_entries(
        self, wanted: AuditFilter, *, before: int | None = None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return what was done, the latest first; of entries below `before`."""
        rows = await self._database.fetch_all(
            queries.LIST_AUDIT,
            {
                "app_id": wanted.app_id,
                "action": wanted.action,
                "key_id": wanted.key_id,
                "since": wanted.since,
                "until": wanted.until,
                "before": before,
                "limit": limit,
            },
        )
        return [_entry_from_row(row) for row in rows]


def _entry_from_row(row: Row) -> AuditEntry:
    entry_id, created_at, action, key_id, app_id, target_key_id, changes, sessions, request = row
    return AuditEntry(
        entry_id,
        created_at,
        action,
        key_id,
        app_id,
        target_key_id,
        tuple(changes),
        sessions,
        request,
    )
