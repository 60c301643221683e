"""The `customEvents` and `errors` of a batch."""

from math import floor
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from spectraview.errors import InvalidBody, TooManyEvents
from spectraview.ingest.decoding import (
    DecodingError,
    Timestamp,
    decode_parts,
    decoding_fault,
    holds,
    parse_text,
)
from spectraview.storage.codec import split_events
from spectraview.storage.models import CustomEvent, ErrorEvent

_MAX_TYPE_LENGTH: Final = 50
_TypeText = Annotated[str, Meta(min_length=1, max_length=_MAX_TYPE_LENGTH)]
_NULL: Final = Raw(b"null")


class CustomEventItem(Struct, rename="camel"):
    """Something that happened, as the page says; other members are kept too."""

    event_type: Annotated[Raw, holds(_TypeText)]
    timestamp: Timestamp


class ErrorItem(Struct):
    """An error of the page; other members are kept too."""

    type: Annotated[Raw, holds(_TypeText)]
    timestamp: Timestamp
    message: Annotated[Raw, holds(str | None)] = _NULL
    stack: Annotated[Raw, holds(str | None)] = _NULL


_CUSTOM_EVENTS = msgspec.json.Decoder(list[CustomEventItem])
_ERROR_EVENTS = msgspec.json.Decoder(list[ErrorItem])

_Item = TypeVar("_Item")


def parse_custom_events(raw: bytes, max_count: int) -> tuple[CustomEvent, ...]:
    """Check the custom events of a body."""
    items = _parse_items(_CUSTOM_EVENTS, raw, "customEvents", max_count)
    return tuple(
        CustomEvent(
            event_type=_parse_type(item.event_type, f"customEvents[{index}].eventType"),
            timestamp=floor(item.timestamp),
            body=body,
        )
        for index, (item, body) in enumerate(items)
    )


def parse_errors(raw: bytes, max_count: int) -> tuple[ErrorEvent, ...]:
    """Check the errors of a body."""
    items = _parse_items(_ERROR_EVENTS, raw, "errors", max_count)
    return tuple(
        ErrorEvent(
            error_type=_parse_type(item.type, f"errors[{index}].type"),
            message=parse_text(item.message, f"errors[{index}].message"),
            stack=parse_text(item.stack, f"errors[{index}].stack"),
            timestamp=floor(item.timestamp),
            body=body,
        )
        for index, (item, body) in enumerate(items)
    )


def _parse_items(
    decoder: msgspec.json.Decoder[list[_Item]], raw: bytes, name: str, max_count: int
) -> list[tuple[_Item, bytes]]:
    """Return each item with the exact bytes of its object."""
    if raw == b"null":
        return []
    try:
        items = decode_parts(decoder, raw)
    except DecodingError as error:
        raise decoding_fault(error, name, path=name) from error
    if len(items) > max_count:
        raise TooManyEvents(f"A batch may have {max_count} {name}", where=name)
    return list(zip(items, split_events(raw), strict=True))


def _parse_type(part: Raw, where: str) -> str:
    text = parse_text(part, where, _MAX_TYPE_LENGTH)
    if not text:
        raise InvalidBody("Expected `str` of length >= 1", where=where)
    return text
