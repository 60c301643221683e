"""Which segments are archived, and the objects of the archive: one method a statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from spectraview.storage import queries
from spectraview.storage.arrays import bytea_array, plain_array, text_array
from spectraview.storage.database import Database, Row

UPLOAD_SECONDS = 900.0
"""More than any upload takes."""


@dataclass(frozen=True, slots=True)
class Unarchived:
    """A segment whose bytes are still in PostgreSQL."""

    session_id: UUID
    day: date
    app_id: str
    first_batch: int
    stored_bytes: int
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """A segment and the key of its object to be."""

    segment: Unarchived
    object_key: str


class ArchiveStore:
    """Keeps the books of the archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_unarchived(
        self, after_seconds: float, last: Unarchived | None, most: int
    ) -> list[Unarchived]:
        """Return the next segments behind `last` whose sessions have been at rest for so long."""
        rows = await self._database.fetch_all(
            queries.LIST_UNARCHIVED,
            {
                "after_seconds": after_seconds,
                "last_id": last.session_id if last else None,
                "last_batch": last.first_batch if last else 0,
                "most": most,
            },
        )
        return [_unarchived_from_row(row) for row in rows]

    async def count_unarchived(self, after_seconds: float) -> tuple[int, int]:
        """Return how many segments there are to archive, and their bytes."""
        row = await self._database.fetch_one(
            queries.COUNT_UNARCHIVED, {"after_seconds": after_seconds}
        )
        return (int(row[0]), int(row[1])) if row else (0, 0)

    async def begin_uploads(self, uploads: Sequence[Upload]) -> None:
        """Note objects before they are uploaded."""
        await self._database.fetch_all(
            queries.BEGIN_UPLOADS,
            {
                "object_keys": text_array(upload.object_key for upload in uploads),
                "app_ids": text_array(upload.segment.app_id for upload in uploads),
                "days": plain_array(upload.segment.day for upload in uploads),
                "sizes": plain_array(upload.segment.stored_bytes for upload in uploads),
            },
        )

    async def finish_uploads(self, uploads: Sequence[Upload]) -> set[str]:
        """Let the bytes go of segments whose objects are verified; return the keys of those that
        are archived now. The other objects are queued for deletion.
        """
        rows = await self._database.fetch_all(
            queries.FINISH_UPLOADS,
            {
                "object_keys": text_array(upload.object_key for upload in uploads),
                "session_ids": plain_array(upload.segment.session_id for upload in uploads),
                "days": plain_array(upload.segment.day for upload in uploads),
                "first_batches": plain_array(upload.segment.first_batch for upload in uploads),
                "digests": bytea_array(upload.segment.digest for upload in uploads),
            },
        )
        return {key for key, state in rows if state == "stored"}

    async def give_up_uploads(self, seconds: float) -> None:
        """Queue for deletion what began to be uploaded so long ago and never was."""
        await self._database.fetch_all(queries.GIVE_UP_UPLOADS, {"seconds": seconds})

    async def list_deleting(self, last_key: str | None, most: int) -> list[str]:
        """Return the next keys of objects that are to be deleted."""
        rows = await self._database.fetch_all(
            queries.LIST_DELETING_OBJECTS, {"last_key": last_key, "most": most}
        )
        return [row[0] for row in rows]

    async def count_deleting(self) -> int:
        """Return how many objects are to be deleted."""
        row = await self._database.fetch_one(queries.COUNT_DELETING_OBJECTS)
        return int(row[0]) if row else 0

    async def forget(self, object_keys: Sequence[str]) -> None:
        """Forget objects that are deleted."""
        await self._database.fetch_all(
            queries.FORGET_OBJECTS,
            {"object_keys": text_array(object_keys), "seconds": UPLOAD_SECONDS},
        )


def _unarchived_from_row(row: Row) -> Unarchived:
    session_id, day, app_id, first_batch, stored_bytes, digest = row
    return Unarchived(session_id, day, app_id, first_batch, stored_bytes, bytes(digest))
