"""Sessions and batches for the store, as the API would make them."""

import zlib
from typing import Any
from uuid import UUID, uuid4

import ujson

from spectraview.ingest.body import Limits, parse_batch
from spectraview.storage.append import Appended
from spectraview.storage.models import Batch, NewSession
from spectraview.storage.store import Store

LIMITS = Limits(max_inflated=1_000_000, max_events=10_000)
META: dict[str, Any] = {"type": 4, "data": {"width": 1, "height": 1}, "timestamp": 100}
SNAPSHOT: dict[str, Any] = {"type": 2, "data": {}, "timestamp": 101}
MOVE: dict[str, Any] = {"type": 3, "data": {"source": 1}, "timestamp": 102}


def make_batch(session_id: UUID, *events: dict[str, Any], **members: Any) -> Batch:
    """Return a batch of these events, unlike any other."""
    body = {"appId": "shop", "events": list(events)} | members
    return parse_batch(
        session_id, ujson.dumps(body).encode(), idempotency_key=str(uuid4()), limits=LIMITS
    )


def events_of(data: bytes) -> Any:
    """Return the events in stored data."""
    return ujson.loads(zlib.decompress(data))


async def start(store: Store) -> UUID:
    """Start a session."""
    new = NewSession(
        session_id=uuid4(),
        app_id="shop",
        user_id=None,
        ticket_id=None,
        started_at=None,
        milliseconds=True,
        metadata="{}",
        page_url=None,
        ttl_hours=72,
    )
    assert await store.start_session(new) is not None
    return new.session_id


async def append(store: Store, *batches: Batch) -> list[Appended]:
    """Append batches in one group, all of which must be stored."""
    results = await store.append_batches(batches, within=10)
    stored = [result for result in results if result is not None]
    assert len(stored) == len(batches)
    assert all(result.stored for result in stored)
    return stored
