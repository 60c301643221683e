"""Events packed by @rrweb/packer: strings whose characters are the bytes of a deflated event."""

from typing import Final

import msgspec
import ujson
from msgspec import Struct

from spectraview.errors import InflatedTooLarge, InvalidEvent
from spectraview.ingest.decoding import DecodingError, check_utf8, decode, decoding_fault
from spectraview.storage.codec import CorruptData, TooLarge, inflate, split_events

_MARK: Final = "v1"


class _Unpacked(Struct, gc=False):
    v: str | None = None


_UNPACKED = msgspec.json.Decoder(_Unpacked)


def unpack_events(raw: bytes, max_inflated: int) -> bytes:
    """Return the JSON array with each packed event replaced by the JSON it was packed from."""
    room = max_inflated - len(raw)
    events = []
    for offset, event in enumerate(split_events(raw)):
        if event.startswith(b'"'):
            event = _unpack(ujson.loads(event), f"events[{offset}]", room)
            room -= len(event)
        events.append(event)
    return b"[%b]" % b",".join(events)


def _unpack(text: str, where: str, room: int) -> bytes:
    """Undo rrweb's pack, or take a string that is itself JSON, as rrweb's own unpack does."""
    plain = text.lstrip().startswith("{")
    # A lone surrogate can't be encoded, but its escape means the same in a JSON string.
    event = text.encode(errors="backslashreplace") if plain else _inflate_text(text, where, room)
    if len(event) > room:
        raise InflatedTooLarge(where=where)
    check_utf8(event, where)
    try:
        mark = decode(_UNPACKED, event).v
    except DecodingError as error:
        raise decoding_fault(error, where, path=where, fault=InvalidEvent) from error
    if not plain and mark != _MARK:
        raise InvalidEvent(f"The packed event is not of version {_MARK}", where=where)
    return event


def _inflate_text(text: str, where: str, room: int) -> bytes:
    try:
        return inflate(text.encode("latin-1"), "zlib", max(room, 0))
    except UnicodeEncodeError as error:
        raise InvalidEvent("A string is not an event packed by rrweb", where=where) from error
    except CorruptData as error:
        raise InvalidEvent(f"The packed event can't be inflated: {error}", where=where) from error
    except TooLarge as error:
        raise InflatedTooLarge(where=where) from error
