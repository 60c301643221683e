"""What a backup has to know of the database: one method a statement."""

from spectraview.storage import queries
from spectraview.storage.database import Database


class BackupStore:
    """Looks whether a database is empty, and what it names in the archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_tables(self) -> int:
        """Return how many tables there are."""
        row = await self._database.fetch_one(queries.COUNT_TABLES)
        return int(row[0]) if row else 0

    async def count_sessions(self) -> int:
        """Return how many sessions there are, expired ones too."""
        row = await self._database.fetch_one(queries.COUNT_STORED_SESSIONS)
        return int(row[0]) if row else 0

    async def list_objects(self) -> list[tuple[str, int]]:
        """Return the key and the bytes of each object that a segment lies in."""
        rows = await self._database.fetch_all(queries.LIST_STORED_OBJECTS)
        return [(row[0], row[1]) for row in rows]
