"""Sessions to seal, and all that a reader can see of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID, uuid4

import ujson

from spectraview.ingest.body import Limits, parse_batch
from spectraview.lifecycle.sealing import Sealer
from spectraview.lifecycle.segment_builder import SegmentSizes
from spectraview.storage.batches import BatchReader
from spectraview.storage.codec import inflate, inner_text
from spectraview.storage.database import Database
from spectraview.storage.models import Batch, Position, ReportedStats
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.segments import Segment, SegmentStore
from spectraview.storage.store import Store
from tests.storage.batches import append, start

LIMITS = Limits(max_inflated=33_554_432, max_events=50_000)
TINY = SegmentSizes(least=2_000, most=4_000, small=600, batches=40)
"""Segments of a few batches."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch as its readers see it, however it is stored."""

    batch_number: int
    first_sequence: int
    event_count: int
    text: bytes
    custom_events: tuple[bytes, ...]
    errors: tuple[bytes, ...]


class Sealed:
    """A database with sessions, a sealer and readers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = Store(database)
        self.segments = SegmentStore(database)
        self.data = SegmentData(database)

    def sealer(self, sizes: SegmentSizes = TINY, lease: float = 60) -> Sealer:
        """Return a sealer that waits for nothing."""
        return Sealer(self.database, self.data, seal_after=0, sizes=sizes, lease=lease)

    async def record(self, *batches: bytes, end: bool = True) -> UUID:
        """Store a session of batches with these bodies, and end it."""
        session_id = await start(self.store)
        await self.add(session_id, *batches)
        if end:
            await self.end(session_id)
        return session_id

    async def add(self, session_id: UUID, *bodies: bytes) -> None:
        """Store more batches."""
        await append(self.store, *(parsed(session_id, body) for body in bodies))

    async def end(self, session_id: UUID) -> None:
        """End a session."""
        assert await self.store.end_session(session_id, None, None, ReportedStats())

    async def seen(self, session_id: UUID, page_bytes: int = 1000) -> list[Seen]:
        """Return all that a reader of pages gets, from the start."""
        session = await self.store.fetch_session(session_id)
        assert session is not None
        reader = BatchReader(self.database, self.data)
        seen: list[Seen] = []
        position = Position()
        while page := await reader.fetch_batches(
            session_id, session.day, position, session.batch_count, page_bytes
        ):
            for batch in page:
                raw = inflate(batch.event_data, batch.codec) if batch.event_data else b"[]"
                seen.append(
                    Seen(
                        batch.batch_number,
                        batch.first_sequence,
                        batch.event_count,
                        inner_text(raw),
                        batch.custom_events,
                        batch.errors,
                    )
                )
            position = Position(page[-1].batch_number, page[-1].next_sequence)
        assert position == Position(session.batch_count, session.next_sequence)
        return seen

    async def segments_of(self, session_id: UUID) -> list[Segment]:
        """Return a session's segments."""
        session = await self.store.fetch_session(session_id)
        assert session is not None
        return await self.segments.list_segments(session_id, session.day)

    async def count_rows(self, session_id: UUID) -> int:
        """Return how many batches have rows of their own."""
        rows = await self.database.fetch_all(
            "SELECT count(*) FROM session_events WHERE session_id = %(id)s", {"id": session_id}
        )
        return int(rows[0][0])

    async def is_sealed(self, session_id: UUID) -> bool:
        """Tell whether the session says that it is sealed."""
        rows = await self.database.fetch_all(
            "SELECT sealed_at IS NOT NULL FROM sessions WHERE id = %(id)s", {"id": session_id}
        )
        return bool(rows[0][0])


def parsed(session_id: UUID, body: bytes) -> Batch:
    """Return the batch of a body, unlike any other."""
    return parse_batch(session_id, body, idempotency_key=str(uuid4()), limits=LIMITS)


def body_of(events: Sequence[object], **members: object) -> bytes:
    """Return a body with these events."""
    return ujson.dumps({"appId": "shop", "events": list(events)} | members).encode()


def random_bodies(random: Random, count: int) -> list[bytes]:
    """Return bodies of all kinds: empty ones, keyframes across borders, odd texts, white space."""
    bodies = []
    clock = 1_700_000_000_000
    for _ in range(count):
        events = []
        for _ in range(random.choice((0, 0, 1, 3, 8))):
            clock += random.randrange(500)
            events.append(_random_event(random, clock))
        text = random.choice((b",", b" ,\n")).join(events)
        members = b""
        if random.random() < 0.3:
            members += b',"customEvents":[{"eventType":"a","timestamp":%d}]' % clock
        if random.random() < 0.2:
            members += b',"errors":[{"type":"e","message":"\\ud800","timestamp":%d}]' % clock
        if not events and not members:
            members = b',"customEvents":[{"eventType":"b","timestamp":%d}]' % clock
        pad = random.choice((b"", b" ", b"\n\t"))
        bodies.append(b'{"appId":"shop","events":%s[%s%s%s]%s}' % (pad, pad, text, pad, members))
    return bodies


def _random_event(random: Random, clock: int) -> bytes:
    kind = random.choice((2, 3, 3, 3, 4))
    text = random.choice(
        (b"x" * random.randrange(300), b"\\ud83d half", b"\\\\ud83d }{", b"\\u0000")
    )
    return b'{"type":%d, "data":{"source":1,"t":"%s"},"timestamp":%d}' % (kind, text, clock)
