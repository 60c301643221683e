"""How untrusted bytes are decoded: what is wrong with them becomes an ApiError that says where."""

import re
from codecs import utf_8_decode
from typing import Annotated, Final, TypeVar

import msgspec
import ujson
from msgspec import Meta

from spectraview.errors import ApiError, InvalidBody, InvalidJson, InvalidUtf8, JsonTooDeep
from spectraview.storage.codec import mark_surrogates, mask_surrogates, unmark_surrogates

Decoded = TypeVar("Decoded")
DecodingError: Final = (msgspec.DecodeError, RecursionError)

_BIGINT: Final = 2**63 - 1
Timestamp = (
    Annotated[int, Meta(ge=-_BIGINT, le=_BIGINT)]
    | Annotated[float, Meta(gt=-(2.0**63), lt=2.0**63)]
)
"""A number whose floor fits a bigint column."""

MAX_APP_ID: Final = 50
MAX_USER_ID: Final = 100
MAX_TICKET_ID: Final = 100
AppId = Annotated[str, Meta(max_length=MAX_APP_ID)]
UserId = Annotated[str, Meta(max_length=MAX_USER_ID)]
TicketId = Annotated[str, Meta(max_length=MAX_TICKET_ID)]

# Decoding all at once takes twice the time and up to four times the memory.
_UTF8_PIECE: Final = 16_384
_MISSING_FIELD = re.compile(r"missing required field `(\w+)`")
_REFUSED_BY_POSTGRESQL = re.compile("[\x00\ud800-\udfff]")


def holds(kind: object, description: str = "") -> Meta:
    """Note what the JSON of a raw member is, which another decoder or `parse_text` checks: the
    document of the API reads it.
    """
    return Meta(description=description or None, extra={"holds": kind})


def check_utf8(raw: bytes, where: str | None = None) -> None:
    """Refuse what is not UTF-8: the JSON decoder doesn't look at the strings that it skips."""
    if raw.isascii():
        return
    view, position = memoryview(raw), 0
    while position < len(raw):
        end = position + _UTF8_PIECE
        try:
            position += utf_8_decode(view[position:end], "strict", end >= len(raw))[1]
        except UnicodeDecodeError as error:
            place = f" (byte {position + error.start})"
            raise InvalidUtf8(f"{InvalidUtf8.__doc__}{place}", where=where) from error


def decode(decoder: msgspec.json.Decoder[Decoded], raw: bytes) -> Decoded:
    """Decode JSON in which lone surrogates may stand; strings that hold some are not kept."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return decoder.decode(mask_surrogates(raw))


def decode_parts(decoder: msgspec.json.Decoder[Decoded], raw: bytes) -> Decoded:
    """Decode likewise, into parts whose bytes `exact` returns as they came."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return decoder.decode(mark_surrogates(raw))


def exact(part: msgspec.Raw) -> bytes:
    """Return the exact bytes of a part that `decode_parts` has found."""
    return unmark_surrogates(bytes(part))


def decoding_fault(
    error: msgspec.DecodeError | RecursionError,
    where: str | None,
    *,
    path: str = "",
    fault: type[ApiError] = InvalidBody,
) -> ApiError:
    """Return the ApiError for what a decoder has found.

    `where` names the decoded text; a wrong value in it is a `fault`, its address begins by `path`.
    """
    if isinstance(error, RecursionError):
        return JsonTooDeep(where=where)
    if not isinstance(error, msgspec.ValidationError):
        problem = str(error).removeprefix("JSON is malformed: ")
        return InvalidJson(f"Not valid JSON: {problem}", where=where)
    message, _, place = str(error).partition(" - at `$")
    place = path + place.removesuffix("`")
    if missing := _MISSING_FIELD.search(message):
        place += f".{missing[1]}"
    return fault(message, where=place.removeprefix(".") or where)


def parse_text(part: msgspec.Raw, where: str, max_length: int | None = None) -> str | None:
    """Read a JSON string or null; what PostgreSQL's text can't hold becomes U+FFFD."""
    raw = exact(part)
    if raw == b"null":
        return None
    if not raw.startswith(b'"'):
        raise InvalidBody("Expected `str`", where=where)
    text: str = ujson.loads(raw)
    if max_length is not None and len(text) > max_length:
        raise InvalidBody(f"At most {max_length} characters are allowed", where=where)
    return _REFUSED_BY_POSTGRESQL.sub("\ufffd", text)
