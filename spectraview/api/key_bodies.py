"""Reads what is to be set of an API key."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from spectraview.access.bounds import LIMIT_MEMBERS
from spectraview.access.key import SCOPES, KeyLimits
from spectraview.access.key_store import KeySettings
from spectraview.errors import InvalidBody
from spectraview.ingest.decoding import check_utf8, decoding_fault

_LARGEST = 2_147_483_647
_LARGEST_SUM = 2**53 - 1  # what JavaScript counts exactly
_MONTH = 2_592_000
_DAY = 86_400

# `$` would let a line break follow, and `\Z` is no JSON schema's; `\s` differs between the two.
_END = r"(?![\s\S])"
_PRINTABLE = rf"^[^\x00-\x1f\x7f]*{_END}"
_Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=_PRINTABLE)]
_AppId = Annotated[str, Meta(min_length=1, max_length=50, pattern=_PRINTABLE)]
# As browsers write it: in lower case, without a path or a slash at its end.
_Origin = Annotated[
    str,
    Meta(max_length=300, pattern=rf'^([a-z][a-z0-9+.-]*://[!-"$-.0->\[-~]+|null){_END}'),
]
_Origins = Annotated[list[_Origin], Meta(max_length=100)]
_Scopes = Annotated[list[Literal["ingest", "read", "admin"]], Meta(min_length=1, max_length=3)]
_Scrub = Annotated[list[Literal["inputs", "cards", "emails", "tokens"]], Meta(max_length=4)]
_Hours = Annotated[int, Meta(ge=1, le=876_000)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Rate = Annotated[int, Meta(ge=1, le=_LARGEST)]
_Sum = Annotated[int, Meta(ge=1, le=_LARGEST_SUM)]


class NewKeyBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What makes a key; a misspelt member must not leave it without its bounds."""

    name: _Name
    scopes: _Scopes
    app_id: _AppId | None = None
    origins: _Origins = []
    scrub: _Scrub = []
    ttl_hours: _Hours | None = None
    expires_at: _Moment | None = None
    ingest_per_minute: _Rate | None = None
    read_per_minute: _Rate | None = None
    requests_per_day: _Sum | None = None
    bytes_per_day: _Sum | None = None
    events_per_day: _Sum | None = None


class ChangeKeyBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What is to be changed of a key: null takes a bound away, what is left out stays."""

    name: _Name | UnsetType = UNSET
    origins: _Origins | UnsetType = UNSET
    scrub: _Scrub | UnsetType = UNSET
    ttl_hours: _Hours | UnsetType | None = UNSET
    expires_at: _Moment | UnsetType | None = UNSET
    ingest_per_minute: _Rate | UnsetType | None = UNSET
    read_per_minute: _Rate | UnsetType | None = UNSET
    requests_per_day: _Sum | UnsetType | None = UNSET
    bytes_per_day: _Sum | UnsetType | None = UNSET
    events_per_day: _Sum | UnsetType | None = UNSET


class RotateKeyBody(Struct, rename="camel", forbid_unknown_fields=True):
    """For how long the text goes on that the key has now."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=_MONTH)] = _DAY


_NEW = msgspec.json.Decoder(NewKeyBody)
_CHANGE = msgspec.json.Decoder(ChangeKeyBody)
_ROTATE = msgspec.json.Decoder(RotateKeyBody)
_Decoded = TypeVar("_Decoded")


def parse_new_key(body: bytes) -> KeySettings:
    """Return what a key is to be."""
    wanted = _decode(_NEW, body)
    _check_future(wanted.expires_at)
    return KeySettings(
        name=wanted.name,
        scopes=tuple(scope for scope in SCOPES if scope in wanted.scopes),
        app_id=wanted.app_id,
        origins=tuple(sorted({*wanted.origins})),
        scrub=tuple(sorted({*wanted.scrub})),
        ttl_hours=wanted.ttl_hours,
        expires_at=wanted.expires_at,
        limits=KeyLimits(**{name: getattr(wanted, name) for name in LIMIT_MEMBERS}),
    )


def parse_key_change(body: bytes) -> dict[str, object]:
    """Return the members that are to be changed, by their names in `KeySettings` and
    `KeyLimits`.
    """
    wanted = _decode(_CHANGE, body)
    changes = {
        name: value
        for name in ChangeKeyBody.__struct_fields__
        if (value := getattr(wanted, name)) is not UNSET
    }
    if not changes:
        raise InvalidBody("Nothing is to be changed")
    if wanted.expires_at is not UNSET:
        _check_future(wanted.expires_at)
    for name in ("origins", "scrub"):
        if name in changes:
            changes[name] = tuple(sorted({*changes[name]}))
    return changes


def changed_settings(settings: KeySettings, changes: dict[str, object]) -> KeySettings:
    """Return the settings with their changes."""
    limits = {name: value for name, value in changes.items() if name in LIMIT_MEMBERS}
    others = {name: value for name, value in changes.items() if name not in LIMIT_MEMBERS}
    return replace(settings, **others, limits=replace(settings.limits, **limits))  # type: ignore[arg-type]


def member_names(changes: dict[str, object]) -> list[str]:
    """Return the names in JSON of what is changed."""
    fields = dict(
        zip(ChangeKeyBody.__struct_fields__, ChangeKeyBody.__struct_encode_fields__, strict=True)
    )
    return [fields[name] for name in changes]


def parse_rotation(body: bytes) -> int:
    """Return for how many seconds the old text goes on: a day when the body is empty."""
    return _decode(_ROTATE, body or b"{}").overlap_seconds


def _check_future(moment: datetime | None) -> None:
    if moment is not None and moment <= datetime.now(UTC):
        raise InvalidBody("expiresAt must be in the future", where="expiresAt")


def _decode(decoder: msgspec.json.Decoder[_Decoded], body: bytes) -> _Decoded:
    check_utf8(body)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise decoding_fault(error, None) from error
