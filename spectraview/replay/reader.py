"""Reads a stored session for replay: batch after batch from the store, never the whole of it in
memory.
"""

import asyncio
from collections.abc import AsyncIterator

from isal import isal_zlib

from spectraview.replay.cache import ReplayCache
from spectraview.storage.batches import BatchReader
from spectraview.storage.codec import inflate, inner_text
from spectraview.storage.models import Position, Session, StoredBatch

_PAGE_BYTES = 2_097_152
_GZIP = 31
_GZIP_LEVEL = 1
_PIECE_BYTES = 524_288
_INLINE_BYTES = 65_536


class IncompleteReplay(Exception):
    """The session lost batches while it was read: it was deleted."""


class ReplayReader:
    """Streams replays as JSON, plain or gzip'd."""

    def __init__(self, batches: BatchReader, cache: ReplayCache, *, cache_bytes: int) -> None:
        self._stored = batches
        self._cache = cache
        self._cache_bytes = cache_bytes

    async def gzipped(self, session: Session) -> AsyncIterator[bytes]:
        """Yield the replay as one gzip stream, from the cache when this version is there."""
        cached = await self._cache.fetch(session.session_id, session.batch_count)
        if cached is not None:
            yield cached
            return
        kept: list[bytes] = []
        kept_bytes = 0
        async for piece in self._compressed(session):
            kept_bytes += len(piece)
            if kept_bytes <= self._cache_bytes:
                kept.append(piece)
            yield piece
        if kept_bytes <= self._cache_bytes:
            self._cache.keep(session.session_id, session.batch_count, b"".join(kept))

    async def plain(self, session: Session) -> AsyncIterator[bytes]:
        """Yield the replay's JSON: every event in stored order, then custom events and errors."""
        yield b'{"sessionId":"%s","events":[' % str(session.session_id).encode()
        custom_events: list[bytes] = []
        errors: list[bytes] = []
        events = 0
        async for batch in self._batches(session):
            custom_events += batch.custom_events
            errors += batch.errors
            if batch.event_count:
                text = await _events_text(batch)
                yield b"," + text if events else text
                events += batch.event_count
        if events != session.next_sequence:
            raise IncompleteReplay(session.session_id)
        yield b'],"customEvents":[' + b",".join(custom_events)
        yield b'],"errors":[' + b",".join(errors) + b"]}"

    async def _batches(self, session: Session) -> AsyncIterator[StoredBatch]:
        """Yield the batches that `session` had when it was looked up, whatever comes meanwhile."""
        position = Position()
        while position.batch_number < session.batch_count:
            page = await self._stored.fetch_batches(
                session.session_id, session.day, position, session.batch_count, _PAGE_BYTES
            )
            if not page:
                raise IncompleteReplay(session.session_id)
            for batch in page:
                yield batch
            position = Position(page[-1].batch_number, page[-1].next_sequence)

    async def _compressed(self, session: Session) -> AsyncIterator[bytes]:
        compressor = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP)
        async for text in self.plain(session):
            large = len(text) > _PIECE_BYTES
            piece = (
                await asyncio.to_thread(compressor.compress, text)
                if large
                else compressor.compress(text)
            )
            if piece:
                yield piece
        yield compressor.flush()


async def _events_text(batch: StoredBatch) -> bytes:
    """Return the batch's events as JSON, without the brackets around them."""
    if len(batch.event_data) <= _INLINE_BYTES:
        return _inner_text(batch)
    return await asyncio.to_thread(_inner_text, batch)


def _inner_text(batch: StoredBatch) -> bytes:
    return inner_text(inflate(batch.event_data, batch.codec))
