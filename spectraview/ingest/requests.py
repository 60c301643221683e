"""Reads the bodies of start, heartbeat and end, and of the request for a token."""

from typing import Annotated, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from spectraview.errors import InvalidBody
from spectraview.ingest.clock import in_milliseconds, seconds_of
from spectraview.ingest.decoding import (
    DecodingError,
    check_utf8,
    decode_parts,
    decoding_fault,
    exact,
    parse_text,
)
from spectraview.ingest.scrubbing.scrubber import Scrubber
from spectraview.storage.models import NewSession, ReportedStats

_NULL: Final = Raw(b"null")
_MAX_URL: Final = 2000
_Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
_Decoded = TypeVar("_Decoded")


class _Stats(Struct, rename="camel"):
    event_count: _Count = 0
    error_count: _Count = 0
    click_count: _Count = 0


class _Heartbeat(Struct):
    stats: _Stats | None = None


class _End(Struct, rename="camel"):
    end_time: float | None = None
    stats: _Stats | None = None


class _TokenRequest(Struct):
    seconds: Annotated[int, Meta(ge=1, le=2_592_000)] = 3600


class _Start(Struct, rename="camel"):
    session_id: UUID
    app_id: Raw = _NULL
    user_id: Raw = _NULL
    ticket_id: Raw = _NULL
    start_time: float | None = None
    metadata: Raw = _NULL
    ttl_hours: Annotated[int, Meta(ge=1, le=876_000)] | None = None


class _Metadata(Struct):
    url: Raw = _NULL


_START = msgspec.json.Decoder(_Start)
_HEARTBEAT = msgspec.json.Decoder(_Heartbeat)
_END = msgspec.json.Decoder(_End)
_TOKEN_REQUEST = msgspec.json.Decoder(_TokenRequest)
_METADATA = msgspec.json.Decoder(_Metadata)


def parse_start(
    body: bytes,
    *,
    key_app_id: str | None,
    key_ttl_hours: int | None,
    default_ttl_hours: int,
    scrubber: Scrubber | None = None,
) -> NewSession:
    """Return the session that a start describes; its app and its life are the body's, else the API
    key's.
    """
    start = _decode(_START, body)
    app_id = parse_text(start.app_id, "appId", 50) or key_app_id
    if not app_id:
        raise InvalidBody("appId is missing", where="appId")
    metadata, page_url = _parse_metadata((scrubber or Scrubber()).scrub(exact(start.metadata)))
    return NewSession(
        session_id=start.session_id,
        app_id=app_id,
        user_id=parse_text(start.user_id, "userId", 100),
        ticket_id=parse_text(start.ticket_id, "ticketId", 100),
        started_at=None if start.start_time is None else seconds_of(start.start_time, "startTime"),
        milliseconds=start.start_time is None or in_milliseconds(start.start_time),
        metadata=metadata,
        page_url=page_url,
        ttl_hours=start.ttl_hours or key_ttl_hours,
        default_ttl_hours=default_ttl_hours,
    )


def parse_heartbeat(body: bytes) -> ReportedStats:
    """Return the counts that a heartbeat reports; an empty body reports none."""
    return _reported(_decode(_HEARTBEAT, body or b"{}").stats)


def parse_end(body: bytes) -> tuple[float | None, ReportedStats]:
    """Return the end's time in seconds since 1970 (None: the server finds it) and the counts that
    it reports.
    """
    end = _decode(_END, body or b"{}")
    ended_at = None if end.end_time is None else seconds_of(end.end_time, "endTime")
    return ended_at, _reported(end.stats)


def parse_token_request(body: bytes) -> int:
    """Return for how many seconds a viewer token is wanted: an hour when the body is empty."""
    return _decode(_TOKEN_REQUEST, body or b"{}").seconds


def _reported(stats: _Stats | None) -> ReportedStats:
    if stats is None:
        return ReportedStats()
    return ReportedStats(stats.event_count, stats.error_count, stats.click_count)


def _parse_metadata(raw: bytes) -> tuple[str, str | None]:
    """Return the metadata's JSON text as it is, and the page's address in it."""
    if raw == b"null":
        return "{}", None
    if not raw.startswith(b"{"):
        raise InvalidBody("Expected `object`", where="metadata")
    url = decode_parts(_METADATA, raw).url
    is_text = bytes(url).startswith(b'"')
    page_url = parse_text(url, "metadata.url") if is_text else None
    return raw.decode(), page_url[:_MAX_URL] if page_url else None


def _decode(decoder: msgspec.json.Decoder[_Decoded], body: bytes) -> _Decoded:
    check_utf8(body)
    try:
        return decode_parts(decoder, body)
    except DecodingError as error:
        raise decoding_fault(error, None) from error
