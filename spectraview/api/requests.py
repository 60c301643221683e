"""What handlers read from a request: its session id, its body, its query."""

import asyncio
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import TypeVar
from uuid import UUID

from aiohttp import web

from spectraview.config import Config
from spectraview.errors import (
    BodyTooLarge,
    BodyTooSlow,
    InvalidCompression,
    InvalidParameter,
    InvalidRequest,
    InvalidSessionId,
    UnsupportedEncoding,
)
from spectraview.keys import API_KEY, CONFIG, PLACE, VIEWER_TOKEN
from spectraview.live.protocol import ViewerAccess
from spectraview.storage.codec import CorruptData, TooLarge, detect_codec, inflate

# Python's UUID takes far more: braces, prefixes, 0x, underscores.
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_NOT_ACCEPTED = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")
_PLAIN = ("", "identity")
_ENCODINGS = (*_PLAIN, "gzip", "deflate")
_INLINE_COMPRESSED = 4096
"""Bytes that are inflated on the event loop: at most 1,032 times as many come out, in 3 ms."""
_LONGEST_TEXT = 200
_Value = TypeVar("_Value")


def session_id_of(request: web.Request) -> UUID:
    """Return the session id of the address. Raises InvalidSessionId."""
    text = request.match_info["session_id"]
    if not _UUID.fullmatch(text):
        raise InvalidSessionId(where="sessionId")
    return UUID(text)


def app_id_of(request: web.Request) -> str | None:
    """Return the app that the request's API key is bound to, None for every app."""
    return request[API_KEY].app_id


def accepts_gzip(request: web.Request) -> bool:
    """Tell whether the client takes gzip (RFC 9110 section 12.5.3): `gzip` weighs more than `*`."""
    accepted: dict[str, bool] = {}
    for entry in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, quality = entry.partition(";")
        accepted[coding.strip()] = not _NOT_ACCEPTED.fullmatch(quality)
    return accepted.get("gzip", accepted.get("*", False))


def access_of(request: web.Request) -> ViewerAccess:
    """Return by what right the request watches a session."""
    key, token = request[API_KEY], request.get(VIEWER_TOKEN)
    return ViewerAccess(key.key_id, key.app_id, token.expires_at if token else None)


async def read_body(request: web.Request) -> bytes:
    """Return the body with its Content-Encoding undone.

    Raises BodyTooLarge, BodyTooSlow, Overloaded, InvalidCompression, UnsupportedEncoding and
    InvalidRequest.
    """
    config: Config = request.app[CONFIG]
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnsupportedEncoding(
            where="Content-Encoding", headers={"Accept-Encoding": "gzip, deflate"}
        )
    too_large = BodyTooLarge(f"The body is larger than {config.max_body} bytes")
    if (request.content_length or 0) > config.max_body:
        raise too_large
    request[PLACE].check(request.content_length or 0)
    try:
        body = await _received(request, config)
    except web.HTTPRequestEntityTooLarge as error:
        raise too_large from error
    except TimeoutError as error:
        raise BodyTooSlow from error
    except (web.RequestPayloadError, OSError) as error:
        raise InvalidRequest from error
    if encoding in _PLAIN or not body:
        return body
    return await _inflated(body, max(config.max_body, config.max_inflated))


async def _received(request: web.Request, config: Config) -> bytes:
    """Return the body as it is sent; each part takes its place among all that is in flight."""
    place, now = request[PLACE], asyncio.get_running_loop().time
    began = now()
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(config.body_timeout) as pause:
        while part := await request.content.readany():
            size += len(part)
            if size > config.max_body:
                raise web.HTTPRequestEntityTooLarge(config.max_body, size)
            place.take(len(part))
            parts.append(part)
            # Who sends a byte now and then must not hold the request for ever.
            slowest = began + size / config.least_rate if config.least_rate else math.inf
            pause.reschedule(min(now(), slowest) + config.body_timeout)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _inflated(body: bytes, limit: int) -> bytes:
    """Undo gzip or deflate, which is zlib's format or none: what it is shows in the bytes."""
    try:
        if len(body) <= _INLINE_COMPRESSED:
            return inflate(body, detect_codec(body), limit)
        return await asyncio.to_thread(inflate, body, detect_codec(body), limit)
    except CorruptData as error:
        raise InvalidCompression(f"The body can't be inflated: {error}") from error
    except TooLarge as error:
        raise BodyTooLarge(f"The body inflates to more than {limit} bytes") from error


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
        # In UTC, since PostgreSQL knows no offset beyond 16 hours and Python does.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

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
