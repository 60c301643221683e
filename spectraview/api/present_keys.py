"""How API keys and the audit log look to who administers them."""

from dataclasses import asdict
from datetime import UTC, datetime

from spectraview.access.bounds import LIMIT_MEMBERS
from spectraview.access.key import SCOPES
from spectraview.access.key_store import KnownKey
from spectraview.storage.audit import AuditEntry


def key_json(known: KnownKey) -> dict[str, object]:
    """Return all that is known of a key; its text is not."""
    key, use = known.key, known.use
    limits = asdict(key.limits)
    return {
        "id": key.key_id,
        "name": key.name,
        "hint": key.hint,
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "appId": key.app_id,
        "origins": sorted(key.origins),
        "scrub": sorted(key.scrub),
        "ttlHours": key.ttl_hours,
        **{member: limits[name] for name, member in LIMIT_MEMBERS.items()},
        "usedToday": {"requests": use.requests, "bytes": use.bytes, "events": use.events},
        "createdAt": time_json(key.created_at),
        "lastUsedAt": time_json(key.last_used_at),
        "expiresAt": time_json(key.expires_at),
        "revokedAt": time_json(key.revoked_at),
        "olderTextUntil": time_json(key.older_text_until),
    }


def audit_json(entry: AuditEntry) -> dict[str, object]:
    """Return one administrative act."""
    return {
        "id": entry.entry_id,
        "at": time_json(entry.created_at),
        "action": entry.action,
        "keyId": entry.key_id,
        "appId": entry.app_id,
        "targetKeyId": entry.target_key_id,
        "changes": list(entry.changes),
        "sessions": entry.sessions,
        "requestId": entry.request_id,
    }


def time_json(moment: datetime | None) -> str | None:
    """Return a time in ISO 8601, UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
