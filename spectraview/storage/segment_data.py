"""The bytes of segments, as they are stored and as the JSON that they hold."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import date
from hashlib import sha256
from typing import Generic, ParamSpec, TypeVar
from uuid import UUID

from spectraview.storage.codec import CorruptData
from spectraview.storage.database import Reads
from spectraview.storage.objects import ObjectMissing, Objects, ObjectsUnavailable
from spectraview.storage.segments import Segment, SegmentStore
from spectraview.storage.shared import SharedCalls
from spectraview.storage.zstd import decompress

logger = logging.getLogger(__name__)

_KEPT_BYTES = 33_554_432
_KEPT_OBJECT_BYTES = 16_777_216
_INLINE_BYTES = 65_536
"""Bytes up to which work is done on the event loop; more is left to a thread."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Key = TypeVar("Key", bound=Hashable)


class SegmentMissing(Exception):
    """The segment is not there any more: late batches were merged into it, or its session is gone.

    Who still wants its batches looks for the segment that holds them now.
    """


class SegmentData:
    """Reads the bytes of segments, wherever they lie; keeps those of the archive for a while."""

    def __init__(self, database: Reads, objects: Objects | None = None) -> None:
        self._segments = SegmentStore(database)
        self._objects = objects
        self._kept = RecentBytes[str](_KEPT_OBJECT_BYTES)
        self._reads: SharedCalls[bytes] = SharedCalls("read-object")

    async def read(self, session_id: UUID, day: date, segment: Segment) -> bytes:
        """Return a segment's zstd frame, checked by its digest.

        Raises SegmentMissing, CorruptData (ObjectMissing) and DatabaseUnavailable
        (ObjectsUnavailable).
        """
        key = segment.object_key
        kept = self._kept.find(key) if key else None
        if kept is not None:
            return kept
        # Also of what is archived: it may have gone since it was listed.
        place = await self._segments.fetch_segment_place(
            session_id, day, segment.first_batch, segment.digest
        )
        if place is None:
            raise SegmentMissing(session_id, segment.first_batch)
        if place.object_key is not None:
            object_key = place.object_key
            return await self._reads.get(object_key, lambda: self._get(object_key, segment))
        assert place.data is not None, "the table has one or the other"
        return await _checked(place.data, segment, f"segment {segment.first_batch} of {session_id}")

    async def _get(self, object_key: str, segment: Segment) -> bytes:
        if self._objects is None:
            raise ObjectsUnavailable("ARCHIVE_URL is not set, and the segment is archived")
        try:
            data = await self._objects.get(object_key)
            await _checked(data, segment, f"the object {object_key}")
        except CorruptData as error:
            logger.error("the archive does not hold what it should: %s", error)
            raise ObjectMissing(str(error)) from error
        self._kept.keep(object_key, data)
        return data


class DecodedSegments:
    """Reads the JSON of segments, and keeps what was read last: its readers come page by page."""

    def __init__(self, data: SegmentData) -> None:
        self._data = data
        self._kept = RecentBytes[tuple[UUID, bytes]](_KEPT_BYTES)
        self._reads: SharedCalls[bytes] = SharedCalls("decode-segment")

    async def read(self, session_id: UUID, day: date, segment: Segment) -> bytes:
        """Return a segment's JSON. Raises what SegmentData.read does."""
        key = (session_id, segment.digest)
        kept = self._kept.find(key)
        if kept is not None:
            return kept
        return await self._reads.get(key, lambda: self._read(session_id, day, segment))

    async def _read(self, session_id: UUID, day: date, segment: Segment) -> bytes:
        frame = await self._data.read(session_id, day, segment)
        json = await _in_thread(segment.size_bytes, decompress, frame, segment.size_bytes)
        if len(json) != segment.size_bytes:
            raise CorruptData(f"segment {segment.first_batch} of {session_id} is too short")
        self._kept.keep((session_id, segment.digest), json)
        return json


class RecentBytes(Generic[Key]):
    """Keeps what was used last, up to so many bytes, but at least one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0

    def find(self, key: Key) -> bytes | None:
        """Return what is kept under a key."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: Key, data: bytes) -> None:
        """Keep something, and let go of what was not used for longest."""
        self._size += len(data) - len(self._kept.get(key, b""))
        self._kept[key] = data
        while self._size > self._most and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])


async def _checked(data: bytes, segment: Segment, name: str) -> bytes:
    """Return the bytes of a segment. Raises CorruptData when they are not."""
    if await _in_thread(len(data), _digest, data) != segment.digest:
        raise CorruptData(f"{name} is damaged")
    return data


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()


async def _in_thread(
    size: int,
    call: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Call at once for little data, in a thread for much."""
    if size <= _INLINE_BYTES:
        return call(*args, **kwargs)
    return await asyncio.to_thread(call, *args, **kwargs)
