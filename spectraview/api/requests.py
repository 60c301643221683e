"""What handlers read from a request: its session id, its body."""

import asyncio
import math
import re
from uuid import UUID

from aiohttp import web

from spectraview.config import Config
from spectraview.errors import (
    BodyTooLarge,
    BodyTooSlow,
    InvalidCompression,
    InvalidRequest,
    InvalidSessionId,
    UnsupportedEncoding,
)
from spectraview.keys import API_KEY, CONFIG, PLACE, REQUESTS, VIEWER_TOKEN
from spectraview.live.protocol import ViewerAccess
from spectraview.observability.log_context import SESSION_ID
from spectraview.storage.codec import CorruptData, TooLarge, detect_codec, inflate

# Python's UUID takes far more: braces, prefixes, 0x, underscores.
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_NOT_ACCEPTED = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")
_PLAIN = ("", "identity")
_ENCODINGS = (*_PLAIN, "gzip", "deflate")
_INLINE_COMPRESSED = 4096
"""Bytes that are inflated on the event loop: at most 1,032 times as many come out, in 3 ms."""


def session_id_of(request: web.Request) -> UUID:
    """Return the session id of the address. Raises InvalidSessionId."""
    text = request.match_info["session_id"]
    if not _UUID.fullmatch(text):
        raise InvalidSessionId(where="sessionId")
    session_id = UUID(text)
    SESSION_ID.set(session_id)
    return session_id


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
    request.app[REQUESTS].read.observe(now() - began)
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
