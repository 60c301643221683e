"""The body of POST /api/sessions/{sessionId}/events: untrusted bytes become a Batch."""

import re
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from spectraview.errors import InvalidBody, SessionIdMismatch
from spectraview.ingest.decoding import (
    MAX_APP_ID,
    MAX_USER_ID,
    AppId,
    DecodingError,
    UserId,
    check_utf8,
    decode_parts,
    decoding_fault,
    exact,
    holds,
    parse_text,
)
from spectraview.ingest.events import EventsMember, Limits, parse_events
from spectraview.ingest.lists import CustomEventItem, ErrorItem, parse_custom_events, parse_errors
from spectraview.ingest.scrubbing.scrubber import Scrubber
from spectraview.storage.models import Batch

__all__ = ["Limits", "parse_batch"]

_NULL: Final = Raw(b"null")
MAX_BATCH_KEY: Final = 255
_MAX_BATCHES: Final = 100
_BatchKey = Annotated[str, Meta(max_length=MAX_BATCH_KEY)]


class BatchMetadata(Struct, rename="camel"):
    """What a client says of a batch; only its key is read."""

    batch_id: Annotated[Raw, holds(_BatchKey | None, "The batch's idempotency key.")] = _NULL


class BatchBody(Struct, rename="camel"):
    """A batch of events."""

    session_id: Annotated[Raw, holds(UUID | None, "That of the address, if given.")] = _NULL
    user_id: Annotated[Raw, holds(UserId | None, "Of a session that is not started yet.")] = _NULL
    app_id: Annotated[Raw, holds(AppId | None, "Of a session that is not started yet.")] = _NULL
    events: Annotated[Raw, holds(EventsMember | None, "rrweb events, in one of the forms.")] = _NULL
    custom_events: Annotated[Raw, holds(list[CustomEventItem] | None)] = _NULL
    errors: Annotated[Raw, holds(list[ErrorItem] | None)] = _NULL
    metadata: Annotated[Raw, holds(BatchMetadata | None)] = _NULL
    batches: Annotated[Raw, holds(None, "Not here: see `SeveralBatches`.")] = _NULL


class SeveralBatches(Struct):
    """Several batches in one body, stored one after another; `batches` comes first."""

    batches: Annotated[
        list[Annotated[Raw, holds(BatchBody)]],
        Meta(extra_json_schema={"maxItems": _MAX_BATCHES}),
    ]


_BODY = msgspec.json.Decoder(BatchBody)
_SEVERAL = msgspec.json.Decoder(SeveralBatches)
_IS_SEVERAL = re.compile(rb'\s*\{\s*"batches"\s*:(?!\s*null\b)')
_METADATA = msgspec.json.Decoder(BatchMetadata | None)


def split_batches(body: bytes) -> list[bytes] | None:
    """Return the bodies in a body that holds several batches, None for one that is a batch."""
    if not _IS_SEVERAL.match(body):
        return None
    check_utf8(body)
    try:
        bodies = [exact(part) for part in decode_parts(_SEVERAL, body).batches]
    except DecodingError as error:
        raise decoding_fault(error, None) from error
    if len(bodies) > _MAX_BATCHES:
        raise InvalidBody(f"At most {_MAX_BATCHES} batches are allowed", where="batches")
    return bodies


def parse_batch(
    session_id: UUID,
    body: bytes,
    *,
    idempotency_key: str | None,
    limits: Limits,
    scrubber: Scrubber | None = None,
) -> Batch:
    """Check a body and return what is to be stored, or raise the ApiError that says why not.

    The digest is that of what was sent, so that a batch is recognised when it comes again.
    """
    scrubber = scrubber or Scrubber()
    members = _parse_members(body)
    if members.batches != _NULL:
        raise InvalidBody("batches must be the first member", where="batches")
    _check_session_id(members.session_id, session_id)
    app_id = parse_text(members.app_id, "appId", MAX_APP_ID)
    user_id = parse_text(members.user_id, "userId", MAX_USER_ID)
    batch_key = _parse_key(idempotency_key, members.metadata)
    custom_events = parse_custom_events(
        scrubber.scrub(exact(members.custom_events)), limits.max_events
    )
    errors = parse_errors(scrubber.scrub(exact(members.errors)), limits.max_events)
    events = parse_events(exact(members.events), limits, scrubber)
    digest = _digest(
        events.sent,
        exact(members.custom_events) if custom_events else b"",
        exact(members.errors) if errors else b"",
    )
    return Batch(
        session_id=session_id,
        app_id=app_id,
        user_id=user_id,
        batch_key=batch_key or digest,
        digest=digest,
        codec=events.codec,
        event_data=events.data,
        size_bytes=events.size_bytes,
        events=events.summary,
        custom_events=custom_events,
        errors=errors,
    )


def _parse_members(body: bytes) -> BatchBody:
    check_utf8(body)
    try:
        return decode_parts(_BODY, body)
    except DecodingError as error:
        raise decoding_fault(error, None) from error


def _check_session_id(part: Raw, session_id: UUID) -> None:
    sent = parse_text(part, "sessionId")
    if sent is not None and sent.lower().replace("-", "") != session_id.hex:
        raise SessionIdMismatch(where="sessionId")


def _parse_key(header: str | None, metadata: Raw) -> bytes | None:
    """Return the batch key for the client's own key: the header's, else the metadata's."""
    try:
        found = _METADATA.decode(metadata)
    except msgspec.ValidationError as error:
        raise decoding_fault(error, "metadata", path="metadata") from error
    batch_id = parse_text(found.batch_id if found else _NULL, "metadata.batchId", MAX_BATCH_KEY)
    key = header or batch_id
    if not key:
        return None
    if len(key) > MAX_BATCH_KEY:
        message = f"At most {MAX_BATCH_KEY} characters are allowed"
        raise InvalidBody(message, where="Idempotency-Key")
    return sha256(b"key:" + key.encode(errors="surrogatepass")).digest()


def _digest(*parts: bytes) -> bytes:
    """Return the SHA-256 of the parts, each after its length so that none can run into another."""
    content = sha256()
    for part in parts:
        content.update(len(part).to_bytes(8))
        content.update(part)
    return content.digest()
