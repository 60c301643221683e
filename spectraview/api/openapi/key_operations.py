"""The routes that administer API keys, and the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta

from spectraview import errors
from spectraview.api.administration import AUDIT_PARAMETERS, PAGE_PARAMETERS
from spectraview.api.key_bodies import ChangeKeyBody, NewKeyBody, RotateKeyBody
from spectraview.api.openapi.answers import Answer, Count, Cursor, Yes
from spectraview.api.openapi.operations import BODY_ERRORS, Content, Operation, Reply, answers

_TAG = "Keys"
_KEY = "/api/keys/{key_id}"
_MOMENT = "2026-11-24T16:00:00+00:00"


class UsedToday(Answer):
    """What a key has used of its quotas since midnight (UTC)."""

    requests: Count
    bytes: Count
    events: Count


class Key(Answer, kw_only=True):
    """An API key; its text is not told."""

    id: Count
    name: str
    hint: Annotated[str | None, Meta(description="The beginning of its text.")]
    scopes: list[Literal["ingest", "read", "admin"]]
    app_id: Annotated[str | None, Meta(description="The app that it is bound to.")]
    origins: list[str]
    scrub: list[Literal["inputs", "cards", "emails", "tokens"]]
    ttl_hours: Count | None
    ingest_per_minute: Count | None
    read_per_minute: Count | None
    requests_per_day: Count | None
    bytes_per_day: Count | None
    events_per_day: Count | None
    used_today: UsedToday
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    older_text_until: datetime | None


class KeyWithText(Key, kw_only=True):
    """An API key with its text, which is told once."""

    key: str


class KeyPage(Answer):
    """A page of keys."""

    keys: list[Key]
    cursor: Cursor = UNSET


class RevokedKey(Answer):
    """The key that is revoked."""

    success: Yes
    id: Count


class AuditEntry(Answer):
    """One administrative act."""

    id: Count
    at: datetime
    action: str
    key_id: Count | None
    app_id: str | None
    target_key_id: Count | None
    changes: list[str]
    sessions: Count | None
    request_id: str | None


class AuditPage(Answer):
    """A page of the audit log."""

    entries: list[AuditEntry]
    cursor: Cursor = UNSET


_EXAMPLE = {
    "id": 7,
    "name": "shop-page",
    "hint": "sv_ingest_Ab3",
    "scopes": ["ingest"],
    "appId": "shop",
    "origins": ["https://shop.example"],
    "scrub": ["cards"],
    "ttlHours": None,
    "ingestPerMinute": 200,
    "readPerMinute": None,
    "requestsPerDay": None,
    "bytesPerDay": 1_000_000_000,
    "eventsPerDay": None,
    "usedToday": {"requests": 512, "bytes": 4_096_000, "events": 20_480},
    "createdAt": _MOMENT,
    "lastUsedAt": None,
    "expiresAt": None,
    "revokedAt": None,
    "olderTextUntil": None,
}
_WITH_TEXT = _EXAMPLE | {"key": "sv_ingest_…"}
_Change = Annotated[ChangeKeyBody, Meta(extra_json_schema={"minProperties": 1})]
_MADE = Reply("The key; its text is nowhere else.", (Content(KeyWithText, _WITH_TEXT),))

KEYS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/api/keys"): Operation(
        _TAG,
        answers(KeyPage, {"keys": [_EXAMPLE]}, "A page of keys."),
        parameters=PAGE_PARAMETERS,
    ),
    ("POST", "/api/keys"): Operation(
        _TAG,
        {201: _MADE},
        (*BODY_ERRORS, errors.KeyExceedsOwn),
        headers=("Content-Encoding",),
        body=Content(NewKeyBody, {"name": "shop-page", "scopes": ["ingest"], "appId": "shop"}),
    ),
    ("GET", _KEY): Operation(
        _TAG,
        answers(Key, _EXAMPLE, "The key."),
        (errors.InvalidParameter, errors.KeyNotFound),
    ),
    ("PATCH", _KEY): Operation(
        _TAG,
        answers(Key, _EXAMPLE, "The key as it is now."),
        (
            *BODY_ERRORS,
            errors.InvalidParameter,
            errors.KeyNotFound,
            errors.KeyExceedsOwn,
            errors.KeyRevoked,
            errors.LastAdminKey,
        ),
        headers=("Content-Encoding",),
        body=Content(_Change, {"bytesPerDay": 2_000_000_000}),
        description="null takes a bound away, what is left out stays.",
    ),
    ("DELETE", _KEY): Operation(
        _TAG,
        answers(RevokedKey, {"success": True, "id": 7}),
        (errors.InvalidParameter, errors.KeyNotFound, errors.LastAdminKey),
    ),
    ("POST", f"{_KEY}/rotate"): Operation(
        _TAG,
        {200: _MADE},
        (
            *BODY_ERRORS,
            errors.InvalidParameter,
            errors.KeyNotFound,
            errors.KeyExceedsOwn,
            errors.KeyRevoked,
        ),
        headers=("Content-Encoding",),
        body=Content(RotateKeyBody, {"overlapSeconds": 86_400}),
        body_required=False,
    ),
    ("GET", "/api/audit"): Operation(
        _TAG,
        answers(
            AuditPage,
            {
                "entries": [
                    {
                        "id": 12,
                        "at": _MOMENT,
                        "action": "create_key",
                        "keyId": 1,
                        "appId": None,
                        "targetKeyId": 7,
                        "changes": [],
                        "sessions": None,
                        "requestId": None,
                    }
                ]
            },
            "A page of the log.",
        ),
        parameters=AUDIT_PARAMETERS,
    ),
}
