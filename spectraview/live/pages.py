"""Pages of stored batches for viewers that are behind: read once for all who need the same page at
the same time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from spectraview.live.frames import BatchFrames, frames_of
from spectraview.storage.batches import BatchReader
from spectraview.storage.models import Position
from spectraview.storage.shared import SharedCalls

PAGE_SECONDS = 5.0
_PAGE_BYTES = 1_048_576
_KEPT_BYTES = 33_554_432

_Key = tuple[UUID, Position]


class Pages:
    """Reads pages, and keeps the last ones read for the next viewers that follow the same path."""

    def __init__(self, batches: BatchReader) -> None:
        self._batches = batches
        self._kept: OrderedDict[_Key, Sequence[BatchFrames]] = OrderedDict()
        self._kept_bytes = 0
        self._reads: SharedCalls[Sequence[BatchFrames]] = SharedCalls("read-page")

    async def fetch(
        self, session_id: UUID, day: date, after: Position, through_batch: int
    ) -> Sequence[BatchFrames]:
        """Return the frames of the next batches after a position, at least one if there is one."""
        key = (session_id, after)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        return await self._reads.get(key, lambda: self._read(key, day, through_batch))

    def forget(self, session_id: UUID) -> None:
        """Drop a session's pages."""
        for key in [key for key in self._kept if key[0] == session_id]:
            self._kept_bytes -= _size(self._kept.pop(key))

    async def _read(self, key: _Key, day: date, through_batch: int) -> Sequence[BatchFrames]:
        session_id, after = key
        batches = await self._batches.fetch_batches(
            session_id, day, after, through_batch, _PAGE_BYTES, within=PAGE_SECONDS
        )
        page = [await frames_of(batch) for batch in batches]
        self._kept[key] = page
        self._kept_bytes += _size(page)
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= _size(self._kept.popitem(last=False)[1])
        return page


def _size(page: Sequence[BatchFrames]) -> int:
    return sum(frames.size for frames in page)
