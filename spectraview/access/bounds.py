"""What a key may give to other keys: never more than it has."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime

from spectraview.access.key import ApiKey, KeyLimits
from spectraview.access.key_store import KeySettings


def within_bounds(maker: ApiKey, settings: KeySettings) -> KeySettings:
    """Return the settings of a new key; where they say nothing, the bounds of its maker hold."""
    own = asdict(maker.limits)
    wanted = {
        name: own[name] if limit is None else limit
        for name, limit in asdict(settings.limits).items()
    }
    return replace(
        settings,
        app_id=settings.app_id or maker.app_id,
        origins=settings.origins or tuple(sorted(maker.origins)),
        scrub=tuple(sorted({*settings.scrub, *maker.scrub})),
        expires_at=settings.expires_at or maker.expires_at,
        limits=KeyLimits(**wanted),
    )


def exceeded_member(maker: ApiKey, settings: KeySettings) -> str | None:
    """Return the member in which a key would be given more than the maker has, None if in none."""
    return next(_exceeded(maker, settings), None)


def _exceeded(maker: ApiKey, settings: KeySettings) -> Iterator[str]:
    if maker.app_id is not None and settings.app_id != maker.app_id:
        yield "appId"
    if not all(map(maker.allows, settings.scopes)):
        yield "scopes"
    if maker.origins and not (settings.origins and maker.origins.issuperset(settings.origins)):
        yield "origins"
    if not maker.scrub.issubset(settings.scrub):
        yield "scrub"
    if _later(settings.expires_at, maker.expires_at):
        yield "expiresAt"
    own = asdict(maker.limits)
    for name, limit in asdict(settings.limits).items():
        if own[name] is not None and (limit is None or limit > own[name]):
            yield LIMIT_MEMBERS[name]


def _later(moment: datetime | None, bound: datetime | None) -> bool:
    return bound is not None and (moment is None or moment > bound)


LIMIT_MEMBERS = {
    "ingest_per_minute": "ingestPerMinute",
    "read_per_minute": "readPerMinute",
    "requests_per_day": "requestsPerDay",
    "bytes_per_day": "bytesPerDay",
    "events_per_day": "eventsPerDay",
}
"""The limits by their names in JSON."""
