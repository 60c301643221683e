"""Makes replays of stored sessions, streamed: no session is ever whole in memory, unless its gzip'd
form is small enough to be cached.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

from spectraview.replay.cache import ReplayCache
from spectraview.replay.encodings import Encoding, as_gzip, as_identity, as_zstd, small_frame
from spectraview.replay.frames import SegmentFrames
from spectraview.replay.ranges import Cut, RangeFinder, ReplayRange
from spectraview.replay.shared_streams import SharedStreams
from spectraview.replay.sources import EventSource, Source
from spectraview.storage.database import Reads
from spectraview.storage.models import Session
from spectraview.storage.replays import ReplayStore
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.segments import Segment, SegmentStore

_COMPRESSION = 4
"""JSON of so many times the cache's limit is made for all who want it, and may fit the cache."""

_FEW_RECORDS = 100
_SHORT_BYTES = 16_384
_COMMA_BYTES = len(small_frame(b","))


class _TooLargeToShare(Exception):
    """Each client gets a stream of its own: what is shared is held in memory."""


@dataclass(frozen=True, slots=True)
class Choice:
    """In which coding a replay is sent; and the session's segments, if that was decided by them."""

    encoding: Encoding
    segments: Sequence[Segment] | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay that can be sent: `length` is known when all of it is stored as it is sent."""

    body: AsyncIterator[bytes]
    length: int | None = None


class ReplayReader:
    """Reads replays as JSON in one of three codings; to be closed."""

    def __init__(
        self, database: Reads, data: SegmentData, cache: ReplayCache, *, cache_bytes: int
    ) -> None:
        store = ReplayStore(database)
        self._store = store
        self._frames = SegmentFrames(data)
        self._source = EventSource(store, SegmentStore(database), self._frames)
        self._finder = RangeFinder(store, self._source)
        self._streams = SharedStreams()
        self._cache = cache
        self._cache_bytes = cache_bytes

    async def close(self) -> None:
        """End what is being read."""
        await self._streams.close()
        self._frames.close()

    async def choose(self, session: Session, accepted: Sequence[Encoding]) -> Choice:
        """Return the coding for a client that takes these, its dearest first.

        What is not sealed is gzip'd for those who take both: it takes a third of the time.
        """
        if accepted[0] != "zstd":
            return Choice(accepted[0])
        segments = await self._source.list_segments(session)
        return Choice("zstd" if segments or "gzip" not in accepted else "gzip", segments)

    async def open(self, session: Session, wanted: ReplayRange, choice: Choice) -> Replay:
        """Return the replay of a range. Raises IncompleteReplay, and so does its body.

        If the archive is away, this or the first piece of the body raises ObjectsUnavailable.
        """
        encoding, segments = choice.encoding, choice.segments
        if wanted.whole and encoding == "gzip":
            return Replay(self._shared_gzip(session))
        cut = await self._finder.find(session, wanted)
        if segments is None:
            segments = await self._source.list_segments(session)
        await self._source.reach(session, cut.first_sequence, cut.next_sequence, segments)
        tail = await self._short_tail(session, cut)
        sources = self._sources(session, wanted, cut, segments, tail)
        if encoding == "zstd":
            length = tail and _stored_length(_head(session, wanted, cut), cut, segments, tail)
            return Replay(as_zstd(sources), length or None)
        return Replay(
            as_gzip(sources, self._frames)
            if encoding == "gzip"
            else as_identity(sources, self._frames)
        )

    async def plain(self, session: Session) -> AsyncIterator[bytes]:
        """Yield the JSON of a whole session. Raises IncompleteReplay."""
        replay = await self.open(session, ReplayRange(), Choice("identity"))
        async for piece in replay.body:
            yield piece

    async def _shared_gzip(self, session: Session) -> AsyncIterator[bytes]:
        """Yield the whole replay, from the cache or made once for all who ask meanwhile."""
        key = (session.session_id, session.batch_count)
        if key in self._streams:
            self._cache.hits += 1
        try:
            async for piece in self._streams.read(key, lambda: self._cached_gzip(session)):
                yield piece
        except _TooLargeToShare:
            async for piece in self._gzip(session):
                yield piece

    async def _cached_gzip(self, session: Session) -> AsyncIterator[bytes]:
        cached = await self._cache.fetch(session.session_id, session.batch_count)
        if cached is not None:
            yield cached
            return
        size = await self._store.measure_events(session.session_id, session.day)
        if size > _COMPRESSION * self._cache_bytes:
            raise _TooLargeToShare
        made: list[bytes] = []
        async for piece in self._gzip(session):
            made.append(piece)
            yield piece
        body = b"".join(made)
        if len(body) <= self._cache_bytes:
            self._cache.keep(session.session_id, session.batch_count, body)

    async def _gzip(self, session: Session) -> AsyncIterator[bytes]:
        whole = ReplayRange()
        cut = await self._finder.find(session, whole)
        segments = await self._source.list_segments(session)
        await self._source.reach(session, cut.first_sequence, cut.next_sequence, segments)
        sources = self._sources(session, whole, cut, segments, None)
        async for piece in as_gzip(sources, self._frames):
            yield piece

    async def _sources(
        self,
        session: Session,
        wanted: ReplayRange,
        cut: Cut,
        segments: Sequence[Segment],
        tail: bytes | None,
    ) -> AsyncIterator[Source]:
        """Yield all of the answer's JSON: what comes before the events, they, and what follows."""
        yield _head(session, wanted, cut)
        separated = True
        async for source in self._source.events(
            session, cut.first_sequence, cut.next_sequence, segments
        ):
            if not separated:
                yield b","
            yield source
            separated = False
        if tail is not None:
            yield tail
            return
        async for text in self._tail(session, cut):
            yield text

    async def _short_tail(self, session: Session, cut: Cut) -> bytes | None:
        """Return what follows the events, None when it may be long."""
        if session.custom_event_count + session.error_count > _FEW_RECORDS:
            return None
        tail = b"".join([text async for text in self._tail(session, cut)])
        return tail if len(tail) <= _SHORT_BYTES else None

    async def _tail(self, session: Session, cut: Cut) -> AsyncIterator[bytes]:
        yield b'],"customEvents":['
        if session.custom_event_count:
            async for text in self._records("custom_events", session, cut):
                yield text
        yield b'],"errors":['
        if session.error_count:
            async for text in self._records("errors", session, cut):
                yield text
        yield b"]}"

    async def _records(
        self, kind: Literal["custom_events", "errors"], session: Session, cut: Cut
    ) -> AsyncIterator[bytes]:
        separator = b""
        async for page in self._store.records(
            kind, session.session_id, session.day, cut.after_batch, cut.through_batch
        ):
            if page:
                yield separator + b",".join(page)
                separator = b","


def _head(session: Session, wanted: ReplayRange, cut: Cut) -> bytes:
    first = "" if wanted.whole else f'"firstSequence":{cut.first_sequence},'
    return f'{{"sessionId":"{session.session_id}",{first}"events":['.encode()


def _stored_length(head: bytes, cut: Cut, segments: Sequence[Segment], tail: bytes) -> int | None:
    """Return how long the zstd form is, None when not all of the events lie in whole segments."""
    inside = [
        segment
        for segment in segments
        if cut.first_sequence <= segment.first_sequence
        and segment.next_sequence <= cut.next_sequence
    ]
    if sum(s.event_count for s in inside) != cut.next_sequence - cut.first_sequence:
        return None
    commas = max(len(inside) - 1, 0) * _COMMA_BYTES
    ends = len(small_frame(head)) + len(small_frame(tail))
    return ends + commas + sum(segment.stored_bytes for segment in inside)
