"""Bodies of POST /api/sessions/{sessionId}/events, as clients make them."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from spectraview.errors import ApiError
from spectraview.ingest.body import Limits, parse_batch
from spectraview.storage.codec import inflate
from spectraview.storage.models import Batch, Codec

SESSION_ID = UUID("0b8f3a52-7c1d-4e6b-9f20-5a4d3c2b1e0f")
LIMITS = Limits(max_inflated=4_000_000, max_events=1_000)

CLICK: dict[str, Any] = {
    "type": 3,
    "data": {"source": 2, "type": 2, "id": 7, "x": 1, "y": 2},
    "timestamp": 1_700_000_000_123,
}


def event(kind: int = 3, timestamp: float = 1_700_000_000_000, **members: Any) -> dict[str, Any]:
    """Return an event of this type."""
    return {"type": kind, "data": {}, "timestamp": timestamp, **members}


def json_bytes(value: object) -> bytes:
    """Return JSON as browsers write it: compact, UTF-8, lone surrogates escaped."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def raw_deflate(raw: bytes) -> bytes:
    """Compress without any header."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(raw) + stream.flush()


COMPRESSORS: dict[Codec, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "deflate": raw_deflate,
}


def compressed_body(data: bytes, **members: Any) -> bytes:
    """Return the body that carries compressed events."""
    wrapper = {"compressed": True, "data": base64.b64encode(data).decode()}
    return json_bytes({"events": wrapper, **members})


def body_around(events: bytes) -> bytes:
    """Return the body whose events member is this JSON text."""
    return b'{"events":%b,"customEvents":[]}' % events


def parse(
    body: bytes | dict[str, Any], *, key: str | None = None, limits: Limits = LIMITS
) -> Batch:
    """Parse a body with the limits of the tests."""
    body = body if isinstance(body, bytes) else json_bytes(body)
    return parse_batch(SESSION_ID, body, idempotency_key=key, limits=limits)


def stored_events(batch: Batch) -> bytes:
    """Return the JSON array that a batch stores."""
    return inflate(batch.event_data, batch.codec) if batch.events.count else b"[]"


def fault(body: bytes | dict[str, Any], **arguments: Any) -> tuple[str, str | None]:
    """Return the code and the place of the fault that refuses this body."""
    try:
        parse(body, **arguments)
    except ApiError as error:
        return error.code, error.where
    raise AssertionError("the body was not refused")
