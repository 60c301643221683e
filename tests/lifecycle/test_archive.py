"""Sealed segments move to an object store, and their objects go with their sessions."""

import asyncio
from datetime import date
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from spectraview.lifecycle.archive import Archive, ArchiveReport, new_object_key
from spectraview.lifecycle.deletion import Eraser
from spectraview.lifecycle.retention import Retention, RetentionRules
from spectraview.storage.archive import ArchiveStore, Unarchived, Upload
from spectraview.storage.cache import Cache
from spectraview.storage.database import Database
from spectraview.storage.deletion import DeletionStore
from spectraview.storage.objects import ObjectMissing, Objects, ObjectsUnavailable, open_objects
from spectraview.storage.retention import RetentionStore
from spectraview.storage.segment_data import SegmentData
from tests.lifecycle.object_stores import ObjectStoreServer, keys_in
from tests.lifecycle.sealed import Sealed, random_bodies

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def archive(database: Database, objects: Objects) -> Archive:
    """An archive that takes what is sealed."""
    return Archive(database, objects, after_days=0)


@pytest.fixture(autouse=True)
def reading_archive(sealed: Sealed, objects: Objects) -> None:
    """Let readers of segments find archived ones."""
    sealed.data = SegmentData(sealed.database, objects)


async def make_sealed(sealed: Sealed, seed: int = 1) -> UUID:
    """Make a sealed session of a few segments."""
    session_id = await sealed.record(*random_bodies(Random(seed), 40))
    await sealed.sealer().seal(10)
    assert await sealed.is_sealed(session_id)
    return session_id


def names_in(path: Path) -> list[str]:
    """Return the names of all files and folders in a folder."""
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


async def rest_of(database: Database) -> list[tuple[str, int]]:
    """Return how many objects there are in each state."""
    rows = await database.fetch_all(
        "SELECT state, count(*)::int FROM archive_objects GROUP BY state ORDER BY state"
    )
    return [(row[0], row[1]) for row in rows]


async def forget_all(database: Database, archive: Archive) -> None:
    """Leave nothing in a store that the next test uses too."""
    await database.fetch_all("UPDATE archive_objects SET state = 'deleting'")
    await archive.sweep()


async def test_an_archived_session_is_read_as_before(
    sealed: Sealed, archive: Archive, database: Database, object_store: ObjectStoreServer
) -> None:
    session_id = await make_sealed(sealed)
    before = await sealed.seen(session_id)
    segments = await sealed.segments_of(session_id)
    report = await archive.run()
    assert report == ArchiveReport(len(segments), sum(s.stored_bytes for s in segments))
    archived = await sealed.segments_of(session_id)
    assert keys_in(object_store) == sorted(str(s.object_key) for s in archived)
    assert (
        await database.fetch_all("SELECT 1 FROM session_segments WHERE event_data IS NOT NULL")
        == []
    )
    assert await sealed.seen(session_id) == before
    assert await archive.run() == ArchiveReport()
    await forget_all(database, archive)


async def test_late_batches_of_an_archived_session_are_sealed_and_archived_too(
    sealed: Sealed, archive: Archive, database: Database
) -> None:
    session_id = await make_sealed(sealed)
    await archive.run()
    await sealed.add(session_id, *random_bodies(Random(2), 7))
    before = await sealed.seen(session_id)
    await sealed.sealer().seal(10)
    assert await sealed.is_sealed(session_id)
    assert await sealed.seen(session_id) == before
    assert (await archive.run()).segments >= 1
    assert await sealed.seen(session_id) == before
    await forget_all(database, archive)


async def test_what_is_young_or_not_sealed_stays(
    sealed: Sealed, database: Database, objects: Objects
) -> None:
    await make_sealed(sealed)
    await sealed.record(*random_bodies(Random(3), 5))
    archive = Archive(database, objects, after_days=2)
    assert await archive.run() == ArchiveReport()
    await database.fetch_all("UPDATE sessions SET last_activity = now() - interval '50 hours'")
    assert await archive.run() == ArchiveReport()  # the day of the sessions is too young
    foreseen = await Archive(database, objects, after_days=0).look()
    assert foreseen == await Archive(database, objects, after_days=0).run()
    await forget_all(database, archive)


async def test_a_deletion_takes_the_objects_along(
    sealed: Sealed,
    archive: Archive,
    database: Database,
    cache: Cache,
    object_store: ObjectStoreServer,
) -> None:
    deleted, kept = await make_sealed(sealed), await make_sealed(sealed, 2)
    await archive.run()
    eraser = Eraser(DeletionStore(database), cache, sweep=archive.sweep)
    assert await eraser.delete_session(deleted, None) == 1
    left = await sealed.segments_of(kept)
    assert keys_in(object_store) == sorted(str(s.object_key) for s in left)
    assert await rest_of(database) == [("stored", len(left))]
    await forget_all(database, archive)


@pytest.mark.parametrize("days_ago", [0, 4])
async def test_retention_takes_the_objects_along(
    sealed: Sealed,
    archive: Archive,
    database: Database,
    object_store: ObjectStoreServer,
    days_ago: int,
) -> None:
    await make_sealed(sealed)
    move = {"days": days_ago}
    await database.fetch_all(
        "SELECT create_day_partitions((now() AT TIME ZONE 'UTC')::date - %(days)s)", move
    )
    for table in ("sessions", "session_segments", "custom_events", "session_errors"):
        await database.fetch_all(f"UPDATE {table} SET day = day - %(days)s", move)
    assert (await archive.run()).segments
    await database.fetch_all("UPDATE sessions SET expires_at = now()")
    report = await Retention(RetentionStore(database), RetentionRules(False, 30)).run()
    assert (report.deleted, len(report.dropped)) == (1, bool(days_ago))
    assert await archive.sweep() > 0
    assert keys_in(object_store) == []
    assert await rest_of(database) == []


async def test_an_upload_that_died_leaves_nothing(
    sealed: Sealed,
    archive: Archive,
    database: Database,
    objects: Objects,
    object_store: ObjectStoreServer,
) -> None:
    session_id = await make_sealed(sealed)
    before = await sealed.seen(session_id)
    (first, *_) = await ArchiveStore(database).list_unarchived(0, None, 10)
    upload = Upload(first, new_object_key(first))
    await ArchiveStore(database).begin_uploads([upload])
    await objects.put(upload.object_key, b"the process died behind this")
    await archive.run()
    stored = [str(s.object_key) for s in await sealed.segments_of(session_id)]
    assert keys_in(object_store) == sorted(stored)
    assert upload.object_key not in stored
    assert await sealed.seen(session_id) == before
    # It is deleted again for a while: the upload may have been on its way still.
    assert await rest_of(database) == [("deleting", 1), ("stored", len(stored))]
    await database.fetch_all("UPDATE archive_objects SET created_at = now() - interval '1 hour'")
    await archive.sweep()
    assert await rest_of(database) == [("stored", len(stored))]
    await forget_all(database, archive)


async def test_a_session_deleted_while_it_is_uploaded_leaves_nothing(
    sealed: Sealed,
    archive: Archive,
    database: Database,
    cache: Cache,
    objects: Objects,
    object_store: ObjectStoreServer,
) -> None:
    session_id = await make_sealed(sealed)
    (first, *_) = await ArchiveStore(database).list_unarchived(0, None, 10)
    upload = Upload(first, new_object_key(first))
    await ArchiveStore(database).begin_uploads([upload])
    eraser = Eraser(DeletionStore(database), cache, sweep=archive.sweep)
    await eraser.delete_session(session_id, None)
    await objects.put(upload.object_key, b"it arrives after the deletion")
    assert await ArchiveStore(database).finish_uploads([upload]) == set()
    await archive.sweep()
    assert keys_in(object_store) == []
    assert await rest_of(database) == []


async def test_damage_in_the_archive_is_told_from_an_outage(
    sealed: Sealed, archive: Archive, database: Database, objects: Objects
) -> None:
    session_id = await make_sealed(sealed)
    await archive.run()
    first, second, *_ = await sealed.segments_of(session_id)
    session = await sealed.store.fetch_session(session_id)
    assert session is not None
    await objects.put(str(first.object_key), b"something else")
    await objects.delete(str(second.object_key))
    for segment in (first, second):
        with pytest.raises(ObjectMissing):
            await sealed.data.read(session_id, session.day, segment)
    with pytest.raises(ObjectsUnavailable):
        await SegmentData(database).read(session_id, session.day, first)
    await forget_all(database, archive)


async def test_two_archives_at_once_archive_each_segment_once(
    sealed: Sealed, archive: Archive, database: Database, object_store: ObjectStoreServer
) -> None:
    """The lock keeps them apart; this is what happens when it is lost."""
    sessions = [await make_sealed(sealed, seed) for seed in range(3)]
    before = [await sealed.seen(session_id) for session_id in sessions]
    await asyncio.gather(archive.run(), archive.run())
    await archive.run()
    assert [await sealed.seen(session_id) for session_id in sessions] == before
    stored = {str(s.object_key) for i in sessions for s in await sealed.segments_of(i)}
    assert set(keys_in(object_store)) == stored
    await forget_all(database, archive)


async def test_names_of_apps_are_no_paths(objects: Objects) -> None:
    for app_id in ("..", "a/b", ".", "a b", "ñ" * 50, "x" * 50):
        segment = Unarchived(UUID(int=1), date(2026, 1, 2), app_id, 1, 1, b"")
        key = new_object_key(segment)
        assert key.count("/") == 3
        await objects.put(key, app_id.encode())
        assert (await objects.get(key)).decode() == app_id
        await objects.delete(key)


async def test_a_file_that_was_being_written_goes_with_its_object(tmp_path: Path) -> None:
    objects = open_objects(f"file://{tmp_path}/objects")
    assert objects is not None
    unfinished = tmp_path / "objects" / "shop" / "day" / "1-ab.zst#1"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(b"half of it")
    await objects.put("shop/other", b"kept")
    await objects.delete("shop/day/1-ab.zst")
    assert names_in(tmp_path) == ["objects", "objects/shop", "objects/shop/other"]


async def test_an_object_store_that_is_away_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    away = open_objects("s3://recordings")
    assert away is not None
    assert await away.ping() is False
    with pytest.raises(ObjectsUnavailable):
        await away.get("x")
