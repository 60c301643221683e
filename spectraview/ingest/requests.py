"""Reads the bodies of start, heartbeat and end, and of the request for a token."""

from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from spectraview.errors import InvalidBody
from spectraview.ingest.clock import ClientTime, in_milliseconds, seconds_of
from spectraview.ingest.decoding import (
    MAX_APP_ID,
    MAX_TICKET_ID,
    MAX_USER_ID,
    AppId,
    DecodingError,
    TicketId,
    UserId,
    check_utf8,
    decode_parts,
    decoding_fault,
    exact,
    holds,
    parse_text,
)
from spectraview.ingest.scrubbing.scrubber import Scrubber
from spectraview.storage.models import NewSession, ReportedStats

_NULL: Final = Raw(b"null")
_MAX_URL: Final = 2000
_Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
_Decoded = TypeVar("_Decoded")


class ReportedCounts(Struct, rename="camel"):
    """What a client has counted; it can only raise what the server counts."""

    event_count: _Count = 0
    error_count: _Count = 0
    click_count: _Count = 0


class HeartbeatBody(Struct):
    """A sign of life."""

    stats: ReportedCounts | None = None


class EndBody(Struct, rename="camel"):
    """The end of a session."""

    end_time: ClientTime | None = None
    stats: ReportedCounts | None = None


class TokenBody(Struct):
    """For how long a viewer token is wanted."""

    seconds: Annotated[int, Meta(ge=1, le=2_592_000)] = 3600


class StartBody(Struct, rename="camel"):
    """What is known of a session at its start."""

    session_id: Annotated[UUID, Meta(description="A UUID that the client makes.")]
    app_id: Annotated[Raw, holds(AppId | None, "Required unless the key is bound to an app.")] = (
        _NULL
    )
    user_id: Annotated[Raw, holds(UserId | None)] = _NULL
    ticket_id: Annotated[Raw, holds(TicketId | None)] = _NULL
    start_time: ClientTime | None = None
    metadata: Annotated[Raw, holds(dict[str, Any] | None, "It comes back as it was sent.")] = _NULL
    ttl_hours: Annotated[int, Meta(ge=1, le=876_000)] | None = None


class _Metadata(Struct):
    url: Raw = _NULL


_START = msgspec.json.Decoder(StartBody)
_HEARTBEAT = msgspec.json.Decoder(HeartbeatBody)
_END = msgspec.json.Decoder(EndBody)
_TOKEN_REQUEST = msgspec.json.Decoder(TokenBody)
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
    app_id = parse_text(start.app_id, "appId", MAX_APP_ID) or key_app_id
    if not app_id:
        raise InvalidBody("appId is missing", where="appId")
    metadata, page_url = _parse_metadata((scrubber or Scrubber()).scrub(exact(start.metadata)))
    return NewSession(
        session_id=start.session_id,
        app_id=app_id,
        user_id=parse_text(start.user_id, "userId", MAX_USER_ID),
        ticket_id=parse_text(start.ticket_id, "ticketId", MAX_TICKET_ID),
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


def _reported(stats: ReportedCounts | None) -> ReportedStats:
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
