"""The `events` of a batch, in each form that clients send them in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, Final, TypeGuard

import msgspec
import pybase64
from msgspec import Meta, Raw, Struct

from spectraview.errors import (
    InflatedTooLarge,
    InvalidBase64,
    InvalidBody,
    InvalidCompression,
    InvalidEvent,
    TooManyEvents,
)
from spectraview.ingest.decoding import (
    Decoded,
    DecodingError,
    Timestamp,
    check_utf8,
    decode,
    decode_parts,
    decoding_fault,
    exact,
    holds,
)
from spectraview.ingest.packed import unpack_events
from spectraview.ingest.rrweb import Event, EventData
from spectraview.ingest.scrubbing.scrubber import Scrubber
from spectraview.ingest.summary import summarize
from spectraview.storage.codec import CorruptData, TooLarge, deflate, detect_codec, inflate
from spectraview.storage.models import Codec, EventSummary

_HEADROOM: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one batch may hold: bytes of its JSON array, and events."""

    max_inflated: int
    max_events: int


@dataclass(frozen=True, slots=True)
class Events:
    """The checked events of a batch: as they came, as they are stored, and what they tell."""

    sent: bytes = field(default=b"", repr=False)
    codec: Codec = "zlib"
    data: bytes = field(default=b"", repr=False)
    size_bytes: int = 0
    summary: EventSummary = field(default_factory=EventSummary)


# An object takes 20 characters in any case and a packed event more: the least length bounds how
# much memory an array of a given size can take.
_Packed = Annotated[
    str,
    Meta(
        min_length=20,
        description="An event that `@rrweb/packer` has packed.",
        extra_json_schema={"format": "rrweb-packed"},
    ),
]


class EventItem(Struct):
    """An rrweb event; other members are kept too."""

    type: Annotated[int, Meta(ge=0, lt=2**31)]
    timestamp: Timestamp
    data: Annotated[Raw, holds(Any)] = Raw(b"null")
    """Anything, as plugins send it."""


_EventArray = list[EventItem | _Packed]
_Base64 = Annotated[
    str,
    Meta(
        description="Base64 of an array of events as zlib, gzip or raw deflate.",
        extra_json_schema={"contentEncoding": "base64", "format": "deflated-events"},
    ),
]


class EventsWrapper(Struct):
    """Events that are compressed, or an array of them."""

    data: Annotated[Raw, holds(_EventArray | _Base64)]
    compressed: bool | None = None


EventsMember = _EventArray | EventsWrapper
"""The forms of the member `events`."""

_WRAPPER = msgspec.json.Decoder(EventsWrapper)
_EVENTS = msgspec.json.Decoder(list[Event | _Packed])
_LOOSE_EVENTS = msgspec.json.Decoder(_EventArray)
_DATA = msgspec.json.Decoder(EventData | None)


def parse_events(sent: bytes, limits: Limits, scrubber: Scrubber) -> Events:
    """Check the events member of a body: absent, an array, or an object around the events; what is
    to be stored of it is scrubbed.
    """
    if sent in (b"", b"null"):
        return Events()
    if sent.startswith(b"["):
        return _parse_array(sent, limits, scrubber, "events")
    try:
        wrapper = decode_parts(_WRAPPER, sent)
    except DecodingError as error:
        raise decoding_fault(error, "events", path="events") from error
    data = exact(wrapper.data)
    if data.startswith(b'"') and wrapper.compressed is not False:
        return _parse_compressed(_decode_base64(data), limits, scrubber)
    if data.startswith(b"[") and not wrapper.compressed:
        return _parse_array(data, limits, scrubber, "events.data")
    expected = "an array" if wrapper.compressed is False else "a base64 string"
    raise InvalidBody(f"Expected {expected}", where="events.data")


def _parse_array(raw: bytes, limits: Limits, scrubber: Scrubber, where: str) -> Events:
    """Take events that came as plain JSON: they are stored deflated."""
    if len(raw) > limits.max_inflated:
        raise InflatedTooLarge(where=where)
    checked, summary = _check_events(raw, limits, scrubber, where)
    if not summary.count:
        return Events()
    return Events(raw, "zlib", deflate(checked), len(checked), summary)


def _parse_compressed(sent: bytes, limits: Limits, scrubber: Scrubber) -> Events:
    """Take events that came compressed: they are stored as they came, unless they were packed or
    scrubbed.
    """
    where, codec = "events.data", detect_codec(sent)
    try:
        raw = inflate(sent, codec, limits.max_inflated)
    except CorruptData as error:
        raise InvalidCompression(f"{InvalidCompression.__doc__}: {error}", where=where) from error
    except TooLarge as error:
        raise InflatedTooLarge(where=where) from error
    if not raw.lstrip().startswith(b"["):
        raise InvalidBody("Expected a JSON array in the compressed data", where=where)
    check_utf8(raw, where)
    checked, summary = _check_events(raw, limits, scrubber, where)
    if not summary.count:
        return Events()
    if checked is raw:
        return Events(sent, codec, sent, len(raw), summary)
    return Events(sent, "zlib", deflate(checked), len(checked), summary)


def _decode_base64(text: bytes) -> bytes:
    try:
        if b"\\" in text:
            return pybase64.b64decode(msgspec.json.decode(text, type=str), validate=True)
        return pybase64.b64decode(memoryview(text)[1:-1], validate=True)
    except ValueError as error:
        raise InvalidBase64(where="events.data") from error


def _check_events(
    raw: bytes, limits: Limits, scrubber: Scrubber, where: str
) -> tuple[bytes, EventSummary]:
    """Return the array, its packed events unpacked and all scrubbed, and what its events tell."""
    events = _decode_events(raw, limits, where)
    if not _are_unpacked(events):
        unpacked = unpack_events(raw, limits.max_inflated)
        return _check_events(unpacked, limits, scrubber, where)
    scrubbed = scrubber.scrub_events(raw)
    if scrubbed is raw:
        return raw, summarize(events)
    # What is noted of events, such as addresses, must not tell what was masked.
    return _check_events(scrubbed, limits, Scrubber(), where)


def _are_unpacked(events: Sequence[Event | str]) -> TypeGuard[Sequence[Event]]:
    return str not in map(type, events)


def _decode_events(raw: bytes, limits: Limits, where: str) -> Sequence[Event | str]:
    try:
        try:
            events = _decode_with_headroom(_EVENTS, raw)
        except msgspec.ValidationError:
            loose = _decode_with_headroom(_LOOSE_EVENTS, raw)
            events = [_tighten(event) for event in islice(loose, limits.max_events + 1)]
    except DecodingError as error:
        raise decoding_fault(error, where, path="events", fault=InvalidEvent) from error
    if len(events) > limits.max_events:
        raise TooManyEvents(f"A batch may have {limits.max_events} events", where="events")
    return events


def _tighten(event: EventItem | str) -> Event | str:
    if isinstance(event, str):
        return event
    try:
        data = _DATA.decode(event.data)
    except msgspec.ValidationError:
        data = None
    return Event(event.type, event.timestamp, data)


def _decode_with_headroom(
    decoder: msgspec.json.Decoder[Decoded], raw: bytes, frames: int = _HEADROOM
) -> Decoded:
    """Decode from a deeper stack than need be, so that readers can be called from anywhere.

    Python 3.11 counts the stack and the JSON's depth together, and refuses more than 1,000.
    """
    if frames:
        return _decode_with_headroom(decoder, raw, frames - 1)
    return decode(decoder, raw)
