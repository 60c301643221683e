"""How the JSON of a segment is compressed: into one zstd frame that browsers can inflate too."""

from typing import Final

import zstandard

from spectraview.storage.codec import CorruptData, TooLarge

_WINDOW_LOG: Final = 23
"""Browsers refuse a window of more than 8 MiB."""

_PARAMETERS: Final = zstandard.ZstdCompressionParameters.from_level(
    9,
    window_log=_WINDOW_LOG,
    enable_ldm=True,  # a full snapshot repeats most of the one before it
    write_content_size=True,
    write_checksum=True,
)
_PIECE_BYTES: Final = 16_384

Json = bytes | bytearray


def compress(raw: Json) -> bytes:
    """Compress into one frame, with its content's size and a checksum."""
    return zstandard.ZstdCompressor(compression_params=_PARAMETERS).compress(raw)


def decompress(frame: bytes, limit: int) -> bytes:
    """Return what one frame holds. Raises CorruptData, and TooLarge for more than `limit` bytes."""
    try:
        size = zstandard.frame_content_size(frame)
        if size > limit:
            raise TooLarge(f"it inflates to {size} bytes, more than {limit}")
        if size == 0:  # the library would not look any further
            check(frame, b"")
            return b""
        return _decompressor().decompress(frame, max_output_size=limit, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptData("the zstd frame is damaged") from error


def check(frame: bytes, raw: Json) -> None:
    """Raise CorruptData unless the frame holds exactly `raw`: piece by piece, in flat memory."""
    place = 0
    stream = _decompressor().decompressobj()
    try:
        for start in range(0, len(frame), _PIECE_BYTES):
            piece = stream.decompress(frame[start : start + _PIECE_BYTES])
            if raw[place : place + len(piece)] != piece:  # a view would take ten times as long
                raise CorruptData(f"the zstd frame differs from byte {place} on")
            place += len(piece)
    except zstandard.ZstdError as error:
        raise CorruptData("the zstd frame is damaged") from error
    if not stream.eof or stream.unused_data:
        raise CorruptData("the zstd frame is cut off, or followed by other data")
    if place != len(raw):
        raise CorruptData(f"the zstd frame holds {place} bytes of {len(raw)}")


def _decompressor() -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG)
