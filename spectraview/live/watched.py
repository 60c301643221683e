"""A session that somebody watches in this process: its feed, the ring of its last frames, and its
viewers.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from spectraview.live.feed import Feed
from spectraview.live.frames import BatchFrames, frames_of
from spectraview.live.pages import PAGE_SECONDS, Pages
from spectraview.live.protocol import NORMAL, NOT_FOUND, SLOW
from spectraview.live.ring import Ring
from spectraview.live.viewer import Viewer, ViewerClosed
from spectraview.observability.measures import LiveMeasures
from spectraview.observability.tracing import span
from spectraview.storage.batches import BatchReader
from spectraview.storage.cache import Cache
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.messages import BatchStored, Message, SessionDeleted
from spectraview.storage.models import Head, Position, StoredBatch
from spectraview.storage.store import Store

logger = logging.getLogger(__name__)

_REORDER_WINDOW = 0.05
_REPAIR_PAUSE = 0.5
_REPAIR_PAGE_BYTES = 1_048_576
_VIEWERS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """Bytes of frames kept for a session, and bytes that a slow viewer may fall behind."""

    ring_bytes: int
    viewer_lag: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many sessions are watched, and how many viewers are behind, the last by so many bytes."""

    sessions: int
    behind: int
    most_bytes_behind: int


class WatchedSession:
    """Gives each stored batch to each viewer once, in order; one task does all of it."""

    def __init__(
        self,
        session_id: UUID,
        day: date,
        head: Head,
        store: Store,
        batches: BatchReader,
        cache: Cache,
        pages: Pages,
        limits: LiveLimits,
        measures: LiveMeasures,
    ) -> None:
        self.session_id = session_id
        self.viewers: set[Viewer] = set()
        self.users = 0
        self.closed = False
        self.ends_heard = 0
        self._day = day
        self._store = store
        self._batches = batches
        self._cache = cache
        self._pages = pages
        self._limits = limits
        self._measures = measures
        self._feed = Feed(Position(head.batch_count, head.next_sequence))
        self._last_batch = head.batch_count if head.ended else None
        self._shown = self._feed.head
        self._ring = Ring(limits.ring_bytes)
        self._following: set[Viewer] = set()
        self._wake = asyncio.Event()
        self._pointed = False
        self._task = asyncio.create_task(self._run(), name=f"watch-{session_id}")

    @property
    def head(self) -> Position:
        """Return where the stream stands for viewers: what lies before it is in the ring or the
        store.
        """
        return self._shown

    @property
    def newest(self) -> int:
        """Return the highest batch number that is known to be stored."""
        return self._feed.newest

    @property
    def ended(self) -> bool:
        """Tell whether the session has ended and all of it is here."""
        return self._last_batch is not None and self.head.batch_number >= self._last_batch

    def lags(self) -> list[int]:
        """Return how many bytes those viewers are behind who have yet to catch up."""
        return [viewer.bytes_behind for viewer in self.viewers - self._following]

    async def close(self) -> None:
        """Stop the task, and let the frames go: the task's end may keep this object for long."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._ring = Ring(self._limits.ring_bytes)

    def receive(self, message: Message) -> None:
        """Take a message from the session's channel."""
        if isinstance(message, BatchStored):
            batch = message.batch()
            if batch is None:
                self._feed.note(message.batch_number)
                self._pointed = True
            else:
                self._feed.offer(batch)
        elif isinstance(message, SessionDeleted):
            self.end_deleted()
        elif message.batch_count >= self._feed.newest:  # else the head poll knows if it goes on
            self.ends_heard += 1
            self._last_batch = message.batch_count
            self._feed.note(message.batch_count)
        self._wake.set()

    def end_deleted(self) -> None:
        """Close all viewers: the session is gone, and what was seen of it before counts no more."""
        self.ends_heard += 1
        for viewer in list(self.viewers):
            viewer.end(NOT_FOUND, "session deleted")

    def learn(self, head: Head, ends_heard: int) -> None:
        """Compare with the store's head: what pub/sub lost shows here.

        `ends_heard` is what it was before the store was asked: an end that was heard since then is
        news that the head does not have. A head from before a batch that is known says nothing.
        """
        if head.batch_count < self._feed.newest:
            return
        self._feed.note(head.batch_count)
        if head.ended:
            self._last_batch = head.batch_count
        elif ends_heard == self.ends_heard:
            self._last_batch = None  # it may have fallen idle, and goes on
        if self._feed.behind or self.ended:
            self._wake.set()

    async def follow(self, viewer: Viewer) -> None:
        """Show the session to a viewer, from its position on, until it ends.

        Raises ViewerClosed with the code to close with, and Stalled.
        """
        synced = False
        while True:
            await self._catch_up(viewer, was_live=synced)
            if not synced:
                viewer.tell({"type": "synced", "sequence": viewer.sequence})
                synced = True
            if self.ended and viewer.has(self.head.batch_number):
                viewer.tell({"type": "ended", "sequence": viewer.sequence})
                raise ViewerClosed(NORMAL, "session ended")
            await viewer.woken()

    async def _catch_up(self, viewer: Viewer, *, was_live: bool) -> None:
        """Bring a viewer to the head; from there the session's task writes to it."""
        self._following.discard(viewer)
        while True:
            viewer.check()
            await viewer.connection.drained()
            if viewer.connection.gone:
                raise ViewerClosed(NORMAL, "gone")
            if viewer.has(self.head.batch_number):
                viewer.bytes_behind = 0
                self._following.add(viewer)
                return
            if was_live and viewer.bytes_behind > self._limits.viewer_lag:
                await self._skip(viewer)
                continue
            await asyncio.sleep(0)  # pages may come without waiting, one after another
            with span("send_page", session_id=str(self.session_id)):
                await self._send_page(viewer)

    async def _send_page(self, viewer: Viewer) -> None:
        now = asyncio.get_running_loop().time
        for frames in await self._frames_after(viewer.position):
            viewer.check()
            began = now()
            await viewer.show(frames)
            self._measures.socket.observe(now() - began)
            self._measures.paged_events += frames.batch.event_count
            viewer.bytes_behind = max(0, viewer.bytes_behind - frames.json_bytes)

    async def _frames_after(self, position: Position) -> list[BatchFrames]:
        """Return what follows a position: from the ring, or a page from the store."""
        if frames := self._ring.after(position.batch_number):
            return frames
        try:
            page = await self._pages.fetch(
                self.session_id, self._day, position, self.head.batch_number
            )
        except DatabaseUnavailable:
            await asyncio.sleep(_REPAIR_PAUSE)
            return []
        if not page:
            raise ViewerClosed(NOT_FOUND, "session deleted")
        return list(page)

    async def _skip(self, viewer: Viewer) -> None:
        """Move a viewer that is too far behind to the newest keyframe, or let it go if it can't be
        told.
        """
        session = await self._store.fetch_session(self.session_id)
        if session is None or session.keyframe_sequence is None or not viewer.can_be_told:
            raise self._too_slow()
        batch = await self._store.find_batch(self.session_id, self._day, session.keyframe_sequence)
        skipped = viewer.jump(batch, session.keyframe_sequence) if batch else None
        if skipped is None:
            raise self._too_slow()
        self._measures.skipped += 1
        viewer.tell({"type": "skipped", "sequence": skipped})
        viewer.bytes_behind = 0

    def _too_slow(self) -> ViewerClosed:
        self._measures.too_slow += 1
        return ViewerClosed(SLOW, "too slow")

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._advance()
            except Exception:
                logger.exception("live session %s stumbled", self.session_id)
                await self._try_later()

    async def _advance(self) -> None:
        """Give on all that is in order, then repair what is missing."""
        await self._give_on()
        if self._feed.behind:
            self._measures.gaps += 1
            if not self._pointed:
                await asyncio.sleep(_REORDER_WINDOW)
                await self._give_on()
            self._pointed = False
            if self._feed.behind:
                self._measures.repairs += 1
                await self._repair()
        if self.ended:
            for viewer in list(self._following):
                viewer.wake()

    async def _give_on(self) -> None:
        while (batch := self._feed.take()) is not None:
            await self._show(batch)

    async def _show(self, batch: StoredBatch) -> None:
        began = asyncio.get_running_loop().time()
        frames = await frames_of(batch)
        self._shown = Position(batch.batch_number, batch.next_sequence)
        self._ring.add(frames)
        for form in {viewer.form for viewer in self._following}:
            await frames.chunks(form, batch.first_sequence)
        for number, viewer in enumerate(list(self._following), 1):
            if viewer in self._following:  # not gone meanwhile
                self._write(viewer, frames)
            if number % _VIEWERS_AT_ONCE == 0:
                await asyncio.sleep(0)
        for viewer in self.viewers - self._following:
            viewer.bytes_behind += frames.json_bytes
        self._note_shown(batch, began)

    def _note_shown(self, batch: StoredBatch, began: float) -> None:
        measures, followers = self._measures, len(self._following)
        measures.batches += 1
        measures.deliveries += followers
        measures.delivered_events += followers * batch.event_count
        measures.hub.observe(asyncio.get_running_loop().time() - began)

    def _write(self, viewer: Viewer, frames: BatchFrames) -> None:
        number = frames.batch.batch_number
        if viewer.has(number):
            return  # it has this batch: from the ring, or from another process before it came here
        if not viewer.wants(number) or not viewer.show_at_once(frames) or viewer.connection.full:
            self._following.discard(viewer)
            viewer.wake()

    async def _repair(self) -> None:
        """Fetch what is missing: from the buffer in Redis, and what that does not have from the
        store.
        """
        for batch in await self._cache.buffered_batches(self.session_id):
            self._feed.offer(batch)
        await self._give_on()
        while self._feed.behind:
            try:
                batches = await self._batches.fetch_batches(
                    self.session_id,
                    self._day,
                    self._feed.head,
                    self._feed.newest,
                    _REPAIR_PAGE_BYTES,
                    within=PAGE_SECONDS,
                )
            except DatabaseUnavailable:
                await self._try_later()
                return
            if not batches:
                await self._try_later()
                return
            self._measures.repaired_batches += len(batches)
            for batch in batches:
                self._feed.offer(batch)
            await self._give_on()

    async def _try_later(self) -> None:
        await asyncio.sleep(_REPAIR_PAUSE)
        self._wake.set()

    def add(self, viewer: Viewer) -> None:
        """Count a viewer in."""
        self.viewers.add(viewer)

    def remove(self, viewer: Viewer) -> None:
        """Count a viewer out."""
        self.viewers.discard(viewer)
        self._following.discard(viewer)
