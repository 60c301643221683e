"""What handlers read from a request: its session id, its body, its query."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import TypeVar
from uuid import UUID

from aiohttp import web
from aiohttp.client_exceptions import ClientPayloadError
from aiohttp.http_exceptions import HttpProcessingError

from spectraview.config import Config
from spectraview.errors import (
    BodyTooLarge,
    InvalidCompression,
    InvalidParameter,
    InvalidRequest,
    InvalidSessionId,
    UnsupportedEncoding,
)
from spectraview.keys import API_KEY, CONFIG

_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_LONGEST_TEXT = 200
_Value = TypeVar("_Value")


def session_id_of(request: web.Request) -> UUID:
    """Return the session id of the address. Raises InvalidSessionId."""
    try:
        return UUID(request.match_info["session_id"])
    except ValueError as error:
        raise InvalidSessionId(where="sessionId") from error


def app_id_of(request: web.Request) -> str | None:
    """Return the app that the request's API key is bound to, None for every app."""
    return request[API_KEY].app_id


async def read_body(request: web.Request) -> bytes:
    """Return the body with its Content-Encoding undone.

    Raises BodyTooLarge, InvalidCompression, UnsupportedEncoding and InvalidRequest.
    """
    config: Config = request.app[CONFIG]
    encoding = request.headers.get("Content-Encoding", "").lower()
    if encoding not in _ENCODINGS:
        raise UnsupportedEncoding(f"Content-Encoding {encoding!r} is not supported")
    if (request.content_length or 0) > config.max_body:
        raise _too_large(config)
    try:
        body = await request.read()
    except (HttpProcessingError, ClientPayloadError) as error:
        raise (InvalidCompression if encoding else InvalidRequest) from error
    if encoding in ("", "identity") and len(body) > config.max_body:
        raise _too_large(config)
    return body


def _too_large(config: Config) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {config.max_body} bytes")


def text_parameter(request: web.Request, name: str) -> str | None:
    """Return a query parameter's text, None when it is missing or empty."""
    value = request.query.get(name)
    if not value:
        return None
    if len(value) > _LONGEST_TEXT or "\0" in value or not value.isprintable():
        raise InvalidParameter(
            f"{name} must be at most {_LONGEST_TEXT} printable characters", where=name
        )
    return value


def bool_parameter(request: web.Request, name: str) -> bool | None:
    """Return a query parameter that is true or false."""
    return _parsed(request, name, _BOOLEANS.__getitem__, "true or false")


def int_parameter(
    request: web.Request, name: str, *, least: int = 0, most: int = 2_147_483_647
) -> int | None:
    """Return a query parameter that is a whole number within bounds."""

    def parse(text: str) -> int:
        number = int(text) if text.isascii() else least - 1
        if not least <= number <= most:
            raise ValueError
        return number

    return _parsed(request, name, parse, f"a whole number from {least} to {most}")


def time_parameter(request: web.Request, name: str, *, end_of_day: bool = False) -> datetime | None:
    """Return a query parameter that is an ISO 8601 time; UTC unless it says otherwise.

    A date alone is the day's first moment, or with `end_of_day` its last.
    """

    def parse(text: str) -> datetime:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a "+" in a query is a space
        if end_of_day and len(text) <= len("2024-12-31"):
            moment = datetime.combine(moment, time.max)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    return _parsed(request, name, parse, "a time in ISO 8601, such as 2024-12-31T23:59:59Z")


_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _parsed(
    request: web.Request, name: str, parse: Callable[[str], _Value], wanted: str
) -> _Value | None:
    text = request.query.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except (ValueError, KeyError, OverflowError) as error:
        raise InvalidParameter(f"{name} must be {wanted}", where=name) from error
