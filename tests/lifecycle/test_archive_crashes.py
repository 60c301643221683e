"""A process that dies at any moment of archiving loses nothing, and leaves nothing behind.

`KILLS=50 python -m pytest tests/lifecycle/test_archive_crashes.py` kills more often.
"""

import asyncio
import os
import signal
import sys
from random import Random
from uuid import UUID

import pytest

from spectraview.lifecycle.archive import Archive
from spectraview.storage.database import Database
from spectraview.storage.objects import Objects
from spectraview.storage.segment_data import SegmentData
from tests.lifecycle.object_stores import ObjectStoreServer, keys_in
from tests.lifecycle.sealed import Sealed, Seen, random_bodies

KILLS = int(os.environ.get("KILLS", "2"))
SESSIONS = 8
LATEST_KILL = 0.6

pytestmark = pytest.mark.timeout(120 + 60 * KILLS)


async def make_sessions(sealed: Sealed, seed: int) -> dict[UUID, list[Seen]]:
    """Make sealed sessions, and return what their readers see."""
    random = Random(seed)
    sessions = [await sealed.record(*random_bodies(random, 25)) for _ in range(SESSIONS)]
    await sealed.sealer().seal(SESSIONS)
    return {session_id: await sealed.seen(session_id) for session_id in sessions}


async def begun(database: Database, uploads: int) -> bool:
    """Tell whether more uploads have begun than so many."""
    (row,) = await database.fetch_all("SELECT count(*) FROM archive_objects")
    return bool(row[0] > uploads)


async def kill_while_archiving(database_url: str, url: str, database: Database, seed: int) -> None:
    """Start to archive, and kill that at a random moment after its beginning."""
    (before,) = await database.fetch_all("SELECT count(*) FROM archive_objects")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spectraview", "maintain"),
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "ARCHIVE_URL": url,
            "ARCHIVE_AFTER": "0",
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    while not await begun(database, before[0]) and process.returncode is None:
        pass
    await asyncio.sleep(Random(seed).uniform(0, LATEST_KILL))
    if process.returncode is None:
        process.kill()
    assert await process.wait() in (0, -signal.SIGKILL)


async def only_these_are_left(
    archive: Archive, database: Database, object_store: ObjectStoreServer, keys: list[str]
) -> None:
    """Assert that the store holds these objects and, at most for a moment, what was on its way when
    the process died: that is known, and deleted again by the next round.
    """
    async with asyncio.timeout(30):
        while (found := keys_in(object_store)) != sorted(keys):
            rows = await database.fetch_all(
                "SELECT object_key FROM archive_objects WHERE state = 'deleting'"
            )
            assert set(keys) <= set(found)
            assert set(found) - set(keys) <= {row[0] for row in rows}
            await archive.sweep()


async def test_a_killed_archiving_loses_nothing_and_leaves_nothing(
    sealed: Sealed,
    database: Database,
    database_url: str,
    objects: Objects,
    object_store: ObjectStoreServer,
) -> None:
    expected: dict[UUID, list[Seen]] = {}
    for seed in range(KILLS):
        made = await make_sessions(sealed, seed)
        expected |= made
        await kill_while_archiving(database_url, object_store.url, database, seed)
        sealed.data = SegmentData(database, objects)
        for session_id, seen in made.items():
            assert await sealed.seen(session_id) == seen, f"seed {seed}"
        archive = Archive(database, objects, after_days=0)
        await archive.run()
        keys = [
            str(segment.object_key)
            for session_id in expected
            for segment in await sealed.segments_of(session_id)
        ]
        await only_these_are_left(archive, database, object_store, keys)
    for session_id, seen in expected.items():
        assert await sealed.seen(session_id) == seen
    await database.fetch_all("UPDATE archive_objects SET state = 'deleting'")
    await only_these_are_left(archive, database, object_store, [])
