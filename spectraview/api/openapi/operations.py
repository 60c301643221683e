"""What the document says of one route beyond what its code says: bodies, answers, failures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spectraview import errors
from spectraview.api.parameters import Parameter
from spectraview.errors import ApiError

JSON = "application/json"
HTML = "text/html"

BODY_ERRORS = (
    errors.InvalidBody,
    errors.InvalidCompression,
    errors.InvalidJson,
    errors.InvalidUtf8,
    errors.JsonTooDeep,
    errors.BodyTooSlow,
    errors.BodyTooLarge,
    errors.UnsupportedEncoding,
    errors.Overloaded,
)
"""What can be wrong with any body."""

GONE_ERRORS = (
    errors.AppForbidden,
    errors.SessionAppConflict,
    errors.SessionExpired,
    errors.SessionDeleted,
)
"""What can be wrong with a session that is written to."""

ARCHIVE_ERRORS = (errors.ArchiveUnavailable, errors.ArchivedDataMissing)


@dataclass(frozen=True, slots=True)
class Content:
    """A body of one media type: a type, or a tuple of types of which it is one; without a `kind` it
    is text or bytes.
    """

    kind: Any = None
    example: Any = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no failure."""

    description: str
    contents: tuple[Content, ...] = ()
    headers: tuple[str, ...] = ()
    """Names of `ANSWER_HEADERS` that it always has."""
    optional_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """A route, as clients see it. Its summary is the handler's docstring."""

    tag: str
    replies: Mapping[int, Reply]
    errors: tuple[type[ApiError], ...] = ()
    parameters: tuple[Parameter[Any], ...] = ()
    headers: tuple[str, ...] = ()
    """Names of `REQUEST_HEADERS`."""
    body: Content | None = None
    body_required: bool = True
    description: str = ""
    messages: Mapping[str, Any] = field(default_factory=dict)
    """Types of the messages of a WebSocket or an event stream, by who sends them."""


def answers(kind: Any, example: Any, description: str = "It is done.") -> dict[int, Reply]:
    """Return the usual answer: 200 with JSON."""
    return {200: Reply(description, (Content(kind, example),))}


REQUEST_HEADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "Content-Encoding": (
        "How the whole body is compressed; `deflate` is zlib's format or raw.",
        {"type": "string", "enum": ["identity", "gzip", "deflate"]},
    ),
    "Idempotency-Key": (
        "The batch's key: the same again stores nothing. `metadata.batchId` does the same.",
        {"type": "string", "maxLength": 255},
    ),
    "If-None-Match": ("The `ETag` of what the client has.", {"type": "string"}),
    "Accept-Encoding": ("`zstd` and `gzip` are known.", {"type": "string"}),
    "Last-Event-ID": (
        "Server-sent events: go on after this event.",
        {"type": "string"},
    ),
}
"""Headers that are read, with their meaning and schema."""
