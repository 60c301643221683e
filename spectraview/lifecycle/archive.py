"""The archive: sealed segments move to the object store, and objects go when their sessions do."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from spectraview.storage.archive import ArchiveStore, Unarchived, Upload
from spectraview.storage.codec import CorruptData
from spectraview.storage.database import Database
from spectraview.storage.objects import ObjectMissing, Objects, ObjectsUnavailable
from spectraview.storage.segments import SegmentStore

logger = logging.getLogger(__name__)

LOCK = "spectraview-archive"
"""Of which only one process of a cluster at a time does the work."""
_SEGMENTS_AT_ONCE = 32
_UPLOADS_AT_ONCE = 4
_DELETIONS_AT_ONCE = 16
_KEYS_AT_ONCE = 256
_LONGEST_FOLDER = 100
_Item = TypeVar("_Item")
_NOT_PLAIN = re.compile(rb"[^A-Za-z0-9_-]")


@dataclass(slots=True)
class ArchiveReport:
    """What a round did, or would do."""

    segments: int = 0
    bytes: int = 0
    failed: int = 0
    """Segments that are not what they were stored as: they stay where they are."""
    deleted: int = 0
    """Objects."""


class Archive:
    """Moves segments to the object store, and deletes the objects of sessions that are gone."""

    def __init__(self, database: Database, objects: Objects, *, after_days: float) -> None:
        self._store = ArchiveStore(database)
        self._segments = SegmentStore(database)
        self._objects = objects
        self._after_seconds = after_days * 86_400

    async def run(self) -> ArchiveReport:
        """Archive what is old enough, and delete what is queued for it. To be called under LOCK.

        Raises ObjectsUnavailable and DatabaseUnavailable; what was done stays done.
        """
        # Nobody else uploads: who began these has died.
        await self._store.give_up_uploads(0)
        report = ArchiveReport(deleted=await self.sweep())
        last: Unarchived | None = None
        while found := await self._store.list_unarchived(
            self._after_seconds, last, _SEGMENTS_AT_ONCE
        ):
            await self._archive(found, report)
            last = found[-1]
        if report.segments:
            logger.info("archived %s segments of %s bytes", report.segments, report.bytes)
        return report

    async def look(self) -> ArchiveReport:
        """Return what `run` would do."""
        segments, size = await self._store.count_unarchived(self._after_seconds)
        return ArchiveReport(segments, size, deleted=await self._store.count_deleting())

    async def sweep(self) -> int:
        """Delete the objects that are queued for it and return how many. Any process may do so at
        any time. Raises ObjectsUnavailable and DatabaseUnavailable.
        """
        deleted = 0
        last: str | None = None
        while keys := await self._store.list_deleting(last, _KEYS_AT_ONCE):
            await _each(_DELETIONS_AT_ONCE, self._objects.delete, keys)
            await self._store.forget(keys)
            deleted += len(keys)
            last = keys[-1]
        return deleted

    async def _archive(self, found: Sequence[Unarchived], report: ArchiveReport) -> None:
        uploads = [Upload(segment, new_object_key(segment)) for segment in found]
        await self._store.begin_uploads(uploads)
        moved: list[Upload] = []
        try:
            await _each(_UPLOADS_AT_ONCE, lambda up: self._upload(up, moved, report), uploads)
        finally:
            archived = await self._store.finish_uploads(moved) if moved else set()
        done = [upload.segment for upload in moved if upload.object_key in archived]
        report.segments += len(done)
        report.bytes += sum(segment.stored_bytes for segment in done)

    async def _upload(self, upload: Upload, moved: list[Upload], report: ArchiveReport) -> None:
        """Upload a segment and read it again: only what came back right has moved."""
        segment = upload.segment
        place = await self._segments.fetch_segment_place(
            segment.session_id, segment.day, segment.first_batch, segment.digest
        )
        if place is None or place.data is None:
            return  # it is gone or has grown meanwhile
        try:
            await _check(place.data, segment)
            await self._objects.put(upload.object_key, place.data)
            await _check(await self._objects.get(upload.object_key), segment)
        except ObjectMissing as error:
            raise ObjectsUnavailable(f"the object store loses what it takes: {error}") from error
        except CorruptData as error:
            logger.error("%s, and is not archived", error)
            report.failed += 1
            return
        moved.append(upload)


def new_object_key(segment: Unarchived) -> str:
    """Return a key that no object ever had: a deletion that comes late never meets a newer one."""
    name = f"{segment.first_batch}-{segment.digest.hex()[:8]}-{secrets.token_hex(4)}.zst"
    return f"{_folder(segment.app_id)}/{segment.day}/{segment.session_id}/{name}"


def _folder(app_id: str) -> str:
    """Return an app's name as every object store and file system takes it."""
    plain = _NOT_PLAIN.sub(lambda found: b"=%02X" % found[0][0], app_id.encode()).decode()
    if len(plain) <= _LONGEST_FOLDER:
        return plain
    return f"{plain[:_LONGEST_FOLDER]}={sha256(app_id.encode()).hexdigest()[:8]}"


async def _check(data: bytes, segment: Unarchived) -> None:
    """Raise CorruptData unless these are the segment's bytes."""
    if await asyncio.to_thread(lambda: sha256(data).digest()) != segment.digest:
        raise CorruptData(f"segment {segment.first_batch} of {segment.session_id} is damaged")


async def _each(
    at_once: int, do: Callable[[_Item], Awaitable[None]], items: Iterable[_Item]
) -> None:
    """Do something with all, so many at once; after a failure nothing more is begun, and when all
    have ended it is raised.
    """
    gate = asyncio.Semaphore(at_once)
    failures: list[Exception] = []

    async def do_in_turn(item: _Item) -> None:
        async with gate:
            if failures:
                return
            try:
                await do(item)
            except Exception as error:
                failures.append(error)

    await asyncio.gather(*map(do_in_turn, items))
    if failures:
        raise failures[0]
