"""How the JSON of a batch's events is inflated, deflated and cut into single events."""

import re
from typing import Final

import msgspec
from isal import isal_zlib

from spectraview.storage.models import Codec

_WINDOW_BITS: Final[dict[str, int]] = {"zlib": 15, "gzip": 31, "deflate": -15}
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LEVEL: Final = 2  # isal's levels 0 to 2 cost the same here, and its level 3 four times as much

_DAMAGED: Final[type[Exception]] = isal_zlib.error  # type: ignore[assignment]  # isal's stubs

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class CorruptData(Exception):
    """The compressed data is damaged, incomplete, or followed by something else."""


class TooLarge(Exception):
    """The compressed data inflates to more than the limit."""


def detect_codec(data: bytes) -> Codec:
    """Tell how this data is compressed.

    Raw deflate, as encoders write it, begins like neither header: 1F opens a block of the type
    that is reserved, x8 a stored block whose padding bits are not zero.
    """
    if data.startswith(_GZIP_MAGIC):
        return "gzip"
    is_zlib = len(data) >= 2 and data[0] & 0x8F == 0x08 and (data[0] << 8 | data[1]) % 31 == 0
    return "zlib" if is_zlib else "deflate"


def inflate(data: bytes, codec: Codec, limit: int | None = None) -> bytes:
    """Inflate the one stream that `data` must be; stop as soon as it exceeds `limit` bytes."""
    if codec == "identity":
        return data
    stream = isal_zlib.decompressobj(_WINDOW_BITS[codec])
    try:
        raw = stream.decompress(data, 0 if limit is None else limit + 1)
    except _DAMAGED as error:
        raise CorruptData(f"the {codec} stream is damaged") from error
    if limit is not None and len(raw) > limit:
        raise TooLarge(f"it inflates to more than {limit} bytes")
    if not stream.eof:
        raise CorruptData(f"the {codec} stream is cut off")
    if stream.unused_data:
        raise CorruptData(f"the {codec} stream is followed by other data")
    return raw


def inner_text(raw: bytes) -> bytes:
    """Return the events of a JSON array without the brackets around them, all else as it is."""
    return raw.strip()[1:-1]


def deflate(raw: bytes) -> bytes:
    """Compress into a zlib stream."""
    return isal_zlib.compress(raw, _LEVEL)


def split_events(raw: bytes) -> list[bytes]:
    """Cut a JSON array into the exact bytes of its elements."""
    try:
        return [bytes(element) for element in _ARRAY.decode(raw)]
    except msgspec.DecodeError:
        return [unmark_surrogates(bytes(part)) for part in _ARRAY.decode(mark_surrogates(raw))]


def find_events(text: bytes) -> list[int]:
    """Return where each event begins in the JSON of a batch's events without their brackets.

    Raises CorruptData when that is not JSON.
    """
    array = b"[%s]" % text
    try:
        try:
            events = _ARRAY.decode(array)
        except msgspec.DecodeError:
            events = _ARRAY.decode(mark_surrogates(array))
    except (msgspec.DecodeError, RecursionError) as error:
        raise CorruptData(f"the events are no JSON: {error}") from error
    starts, place = [], 0
    for event in events:  # between two of them there is nothing but a comma and white space
        place = text.find(b"{", place)
        starts.append(place)
        place += len(memoryview(event))
    return starts


def mask_surrogates(raw: bytes) -> bytes:
    r"""Return JSON that msgspec can decode: each escaped surrogate has become another character.

    Browsers send half an emoji as \ud83d. That is valid JSON, to be stored as it came, but msgspec
    refuses it. The mask is for checks, and for values in which a surrogate does not matter.
    """
    masked = bytearray(raw)  # re.sub would need 15 times the memory, and hold the GIL throughout
    for escape in _SURROGATE.finditer(raw):
        masked[escape.start() + 2] = ord("0")
    return bytes(masked)


def mark_surrogates(raw: bytes) -> bytes:
    r"""Return JSON that msgspec can cut in parts, which `unmark_surrogates` returns as they came.

    FE and FF are never part of UTF-8, so they tell the marks (\n, FE, 83d) from all else; msgspec
    passes over them. If it was not an escape, because its backslash is escaped, the mark is still
    valid: an n like any other.
    """
    marked = bytearray(raw)
    for escape in _SURROGATE.finditer(raw):
        place = escape.start() + 1
        marked[place : place + 2] = b"n\xff" if raw[place + 1] == ord("D") else b"n\xfe"
    return bytes(marked)


def unmark_surrogates(part: bytes) -> bytes:
    """Return the original bytes of a part of marked JSON, or of JSON that was not marked."""
    if b"\xfe" in part or b"\xff" in part:  # far faster than to search for two bytes
        part = part.replace(b"n\xfe", b"ud").replace(b"n\xff", b"uD")
    return part
