"""Segments on their way to clients: their frames as stored, and deflated slices of their JSON."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar
from uuid import UUID

import zstandard
from isal import isal_zlib

from spectraview.storage.segment_data import SegmentData
from spectraview.storage.segments import Segment
from spectraview.storage.shared import SharedCalls

SLICE_BYTES = 4_194_304
GZIP_LEVEL = 1
RAW_DEFLATE = -15
_KEPT_BYTES = 4_194_304
_PIECE_BYTES = 524_288
_READ_BYTES = 131_072


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A segment with its zstd frame."""

    segment: Segment
    frame: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True)
class Deflated:
    """A run of raw deflate blocks that ends at a byte, with what gzip wants to know of its JSON."""

    data: bytes = field(repr=False)
    crc: int
    size: int

    def __len__(self) -> int:
        return len(self.data)


_Result = TypeVar("_Result")
_Sized = TypeVar("_Sized", StoredFrame, Deflated)


class _Kept(Generic[_Sized]):
    """Keeps what was made last, and makes it once for all who ask meanwhile."""

    def __init__(self, name: str) -> None:
        self._values: OrderedDict[Hashable, _Sized] = OrderedDict()
        self._bytes = 0
        self._calls: SharedCalls[_Sized] = SharedCalls(name)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[_Sized]]) -> _Sized:
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        return await self._calls.get(key, lambda: self._make(key, make))

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[_Sized]]) -> _Sized:
        value = await make()
        self._values[key] = value
        self._bytes += len(value)
        while self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._values.popitem(last=False)[1])
        return value


class SegmentFrames:
    """Reads segments for replays.

    Whoever follows the same session shares what was read and made last. One segment is inflated at
    a time, in pieces: what a frame needs to be inflated is as large as its window, 8 MB. A slice is
    inflated from its frame's beginning, and forgets it: clients may be slow, and none may hold such
    a window meanwhile. It is one thread that does it all, since each keeps the room that it needed.
    """

    def __init__(self, data: SegmentData) -> None:
        self._data = data
        self._frames: _Kept[StoredFrame] = _Kept("read-segment")
        self._slices: _Kept[Deflated] = _Kept("deflate-segment")
        self._thread = ThreadPoolExecutor(1, "inflate-segments")

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def read(self, session_id: UUID, day: date, segment: Segment) -> StoredFrame:
        """Return a segment's frame. Raises what SegmentData.read does."""

        async def read() -> StoredFrame:
            return StoredFrame(segment, await self._data.read(session_id, day, segment))

        return await self._frames.get((session_id, segment.digest), read)

    async def text(self, stored: StoredFrame, start: int, end: int) -> bytes:
        """Return a part of a segment's JSON; what follows it is not inflated."""
        return await self._run(inflate_part, stored.frame, start, end)

    async def deflated(self, stored: StoredFrame, start: int) -> Deflated:
        """Return the slice of a segment's JSON that begins at this byte."""

        async def make() -> Deflated:
            return await self._run(deflate_slice, stored.frame, start)

        return await self._slices.get((stored.segment.digest, start), make)

    async def _run(self, call: Callable[..., _Result], *arguments: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)


def inflate_part(frame: bytes, start: int, end: int) -> bytes:
    """Inflate a part of what a frame holds, and nothing that follows it."""
    with zstandard.ZstdDecompressor().stream_reader(frame, read_size=_READ_BYTES) as reader:
        _skip(reader, start)
        return reader.read(end - start)


def deflate_slice(frame: bytes, start: int) -> Deflated:
    """Deflate a slice of what a frame holds, piece by piece."""
    compressor = isal_zlib.compressobj(GZIP_LEVEL, wbits=RAW_DEFLATE)
    parts: list[bytes] = []
    crc = size = 0
    with zstandard.ZstdDecompressor().stream_reader(frame, read_size=_READ_BYTES) as reader:
        _skip(reader, start)
        while piece := reader.read(min(SLICE_BYTES - size, _PIECE_BYTES)):
            parts.append(compressor.compress(piece))
            crc = isal_zlib.crc32(piece, crc)
            size += len(piece)
    parts.append(compressor.flush(isal_zlib.Z_SYNC_FLUSH))
    return Deflated(b"".join(parts), crc, size)


def _skip(reader: zstandard.ZstdDecompressionReader, size: int) -> None:
    while size and (piece := reader.read(min(size, _PIECE_BYTES))):
        size -= len(piece)


def deflate_text(text: bytes) -> Deflated:
    """Deflate JSON that is there."""
    compressor = isal_zlib.compressobj(GZIP_LEVEL, wbits=RAW_DEFLATE)
    data = compressor.compress(text) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)
    return Deflated(data, isal_zlib.crc32(text), len(text))
