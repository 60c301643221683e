"""Cuts the JSON of events, which stand between commas, at single events."""

import msgspec
from msgspec import Struct

from spectraview.storage.codec import mask_surrogates, split_events


class _Stamped(Struct, gc=False):
    timestamp: int | float


_STAMPS = msgspec.json.Decoder(list[_Stamped])


def cut_events(text: bytes, first: int, last: int) -> bytes:
    """Return the events from the place `first` to before `last`, each exactly as it is."""
    return b",".join(split_events(b"[%b]" % text)[first:last])


def find_last(text: bytes, timestamp: int, events: int) -> int | None:
    """Return the place of the last of the first `events` events that is not after a time."""
    array = b"[%b]" % text
    try:
        stamps = _STAMPS.decode(array)
    except msgspec.DecodeError:
        stamps = _STAMPS.decode(mask_surrogates(array))
    places = range(min(events, len(stamps)) - 1, -1, -1)
    return next((place for place in places if stamps[place].timestamp <= timestamp), None)
