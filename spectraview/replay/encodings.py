"""Turns JSON and stored segments into the body of an answer, in each of its content codings."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import Final, Literal

import zstandard
from isal import isal_zlib

from spectraview.replay.frames import (
    RAW_DEFLATE,
    SLICE_BYTES,
    Deflated,
    SegmentFrames,
    StoredFrame,
    deflate_text,
)
from spectraview.replay.sources import Source

Encoding = Literal["zstd", "gzip", "identity"]

_INLINE_BYTES: Final = 16_384
_PIECE_BYTES: Final = 524_288
_INFLATED_BYTES: Final = 131_072
_ZSTD_LEVEL: Final = 1  # level 3 takes a sixth longer for a fifteenth less
_SMALL_FRAMES: Final = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LAST_BLOCK: Final = b"\x03\x00"


async def as_zstd(sources: AsyncIterable[Source]) -> AsyncIterator[bytes]:
    """Yield zstd frames: those of segments as they are stored."""
    async for source in sources:
        if isinstance(source, StoredFrame):
            yield source.frame
        elif len(source) <= _INLINE_BYTES:
            yield small_frame(source)
        else:
            for start in range(0, len(source), _PIECE_BYTES):
                yield await asyncio.to_thread(zstd_frame, source[start : start + _PIECE_BYTES])


def small_frame(text: bytes) -> bytes:
    """Return the frame of a little text; on the event loop only, where nobody else uses it."""
    return _SMALL_FRAMES.compress(text)


def zstd_frame(text: bytes) -> bytes:
    """Return one zstd frame of this text."""
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(text)


async def as_gzip(sources: AsyncIterable[Source], frames: SegmentFrames) -> AsyncIterator[bytes]:
    """Yield one gzip stream, its blocks made piece by piece: browsers read no second one."""
    yield _GZIP_HEAD
    crc = size = 0
    async for piece in _deflated(sources, frames):
        crc = isal_zlib.crc32_combine(crc, piece.crc, piece.size)
        size += piece.size
        yield piece.data
    yield _LAST_BLOCK + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


async def as_identity(
    sources: AsyncIterable[Source], frames: SegmentFrames
) -> AsyncIterator[bytes]:
    """Yield the JSON itself."""
    async for source in sources:
        if not isinstance(source, StoredFrame):
            yield source
            continue
        for start in range(0, source.segment.size_bytes, SLICE_BYTES):
            for piece in _inflated((await frames.deflated(source, start)).data):
                yield piece


async def _deflated(
    sources: AsyncIterable[Source], frames: SegmentFrames
) -> AsyncIterator[Deflated]:
    async for source in sources:
        if isinstance(source, StoredFrame):
            for start in range(0, source.segment.size_bytes, SLICE_BYTES):
                yield await frames.deflated(source, start)
        elif len(source) <= _INLINE_BYTES:
            yield deflate_text(source)
        else:
            yield await asyncio.to_thread(deflate_text, source)


def _inflated(data: bytes) -> Iterator[bytes]:
    """Inflate a slice in pieces: it takes less memory than its frame would, and less time than to
    ask a thread for it.
    """
    stream = isal_zlib.decompressobj(RAW_DEFLATE)
    piece = stream.decompress(data, _INFLATED_BYTES)
    while piece:
        yield piece
        piece = stream.decompress(stream.unconsumed_tail, _INFLATED_BYTES)
