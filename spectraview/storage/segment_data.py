"""The bytes of segments, as they are stored and as the JSON that they hold."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import ParamSpec, TypeVar
from uuid import UUID

from spectraview.storage.codec import CorruptData
from spectraview.storage.database import Database
from spectraview.storage.segments import Segment, SegmentStore
from spectraview.storage.shared import SharedCalls
from spectraview.storage.zstd import decompress

_KEPT_BYTES = 33_554_432
_INLINE_BYTES = 65_536
"""Bytes up to which work is done on the event loop; more is left to a thread."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class SegmentMissing(Exception):
    """The segment is not there any more: late batches were merged into it, or its session is gone.

    Who still wants its batches looks for the segment that holds them now.
    """


class SegmentData:
    """Reads the bytes of segments, wherever they lie."""

    def __init__(self, database: Database) -> None:
        self._segments = SegmentStore(database)

    async def read(self, session_id: UUID, day: date, segment: Segment) -> bytes:
        """Return a segment's zstd frame, checked by its digest.

        Raises SegmentMissing, CorruptData and DatabaseUnavailable.
        """
        data = await self._segments.fetch_segment_data(session_id, day, segment)
        if data is None:
            raise SegmentMissing(session_id, segment.first_batch)
        if await _in_thread(len(data), _digest, data) != segment.digest:
            raise CorruptData(f"segment {segment.first_batch} of {session_id} is damaged")
        return data


class DecodedSegments:
    """Reads the JSON of segments, and keeps what was read last: its readers come page by page."""

    def __init__(self, data: SegmentData) -> None:
        self._data = data
        self._kept: OrderedDict[tuple[UUID, bytes], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._reads: SharedCalls[bytes] = SharedCalls("decode-segment")

    async def read(self, session_id: UUID, day: date, segment: Segment) -> bytes:
        """Return a segment's JSON. Raises what SegmentData.read does."""
        key = (session_id, segment.digest)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        return await self._reads.get(key, lambda: self._read(session_id, day, segment))

    async def _read(self, session_id: UUID, day: date, segment: Segment) -> bytes:
        frame = await self._data.read(session_id, day, segment)
        json = await _in_thread(segment.size_bytes, decompress, frame, segment.size_bytes)
        if len(json) != segment.size_bytes:
            raise CorruptData(f"segment {segment.first_batch} of {session_id} is too short")
        self._keep((session_id, segment.digest), json)
        return json

    def _keep(self, key: tuple[UUID, bytes], json: bytes) -> None:
        self._kept[key] = json
        self._kept_bytes += len(json)
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])


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
