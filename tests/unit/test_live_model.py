"""The live view as a state machine: however batches arrive and viewers come, lag and jump, each
sees a contiguous range of what is stored.
"""

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from spectraview.live.cursor import Cursor
from spectraview.live.feed import Feed
from spectraview.live.frames import BatchFrames
from spectraview.live.ring import Ring
from spectraview.storage.models import Position, StoredBatch

RING_BYTES = 60
MOST_HELD = 3
PAGE_BATCHES = 2

Seen = tuple[int, int]
"""A batch's number, and the sequence of one of its events (or of the batch, if it has none)."""


class ModelViewer(Cursor):
    """A viewer without a connection: it notes what it is shown."""

    def __init__(self, position: Position, sequence: int) -> None:
        super().__init__(position, sequence)
        self.parts: list[list[Seen]] = [[]]
        self.begins = [(position, sequence)]
        self.skipped: list[list[int]] = []
        self.slow = False

    def show(self, frames: BatchFrames) -> None:
        """Take a batch."""
        self.parts[-1] += seen_of(frames.batch, self.sequence)
        self.move(frames.batch)

    def skip_to(self, batch: Position, sequence: int) -> None:
        """Jump, if it is forwards."""
        skipped = self.jump(batch, sequence)
        if skipped is not None:
            self.skipped.append(skipped)
            self.begins.append((self.position, self.sequence))
            self.parts.append([])


def seen_of(batch: StoredBatch, sequence: int) -> list[Seen]:
    """Return what a viewer sees of a batch that wants its events from a sequence on."""
    events = range(max(sequence, batch.first_sequence), batch.next_sequence)
    return [(batch.batch_number, n) for n in events] or [(batch.batch_number, -1)]


class LiveView(RuleBasedStateMachine):
    """One watched session: the store, the feed, the ring and the viewers of one process."""

    @initialize(counts=st.lists(st.integers(0, 3), max_size=5), known=st.integers(0, 5))
    def begin(self, counts: list[int], known: int) -> None:
        """Store some batches, of which this process has read the head at some time."""
        self.stored: list[StoredBatch] = []
        self.viewers: list[ModelViewer] = []
        self.following: list[ModelViewer] = []
        self.ring = Ring(RING_BYTES)
        for count in counts:
            self.store(count)
        self.feed = Feed(self.position(min(known, len(counts))), most_held=MOST_HELD)

    def position(self, batches: int) -> Position:
        """Return the place after so many batches."""
        return Position(batches, self.stored[batches - 1].next_sequence if batches else 0)

    @rule(count=st.integers(0, 3))
    def store(self, count: int) -> None:
        """Commit a batch, in any process."""
        first = self.stored[-1].next_sequence if self.stored else 0
        self.stored.append(StoredBatch(len(self.stored) + 1, first, count, "zlib", b""))

    @rule(data=st.data(), pointer=st.booleans())
    def hear(self, data: st.DataObject, pointer: bool) -> None:
        """Get a message about some batch: late, early, again, whole or as a pointer."""
        if self.stored:
            batch = data.draw(st.sampled_from(self.stored))
            self.feed.note(batch.batch_number) if pointer else self.feed.offer(batch)

    @rule()
    def poll(self) -> None:
        """Look at the store's head."""
        self.feed.note(len(self.stored))

    @rule(most=st.integers(1, 3))
    def give_on(self, most: int) -> None:
        """Show what is in order."""
        for _ in range(most):
            if (batch := self.feed.take()) is not None:
                self.show(BatchFrames(batch, b"[" + b" " * 8 * batch.event_count + b"]"))

    def show(self, frames: BatchFrames) -> None:
        """Write a batch to all who follow."""
        self.ring.add(frames)
        number = frames.batch.batch_number
        for viewer in list(self.following):
            if viewer.has(number):
                continue
            if viewer.slow or not viewer.wants(number):
                self.following.remove(viewer)
            else:
                viewer.show(frames)

    @rule()
    def repair(self) -> None:
        """Read what is missing from the store."""
        if self.feed.behind:
            first = self.feed.head.batch_number
            for batch in self.stored[first : min(self.feed.newest, first + PAGE_BATCHES)]:
                self.feed.offer(batch)
            self.give_on(PAGE_BATCHES)

    @rule(data=st.data())
    def join(self, data: st.DataObject) -> None:
        """Begin after any batch, and maybe in the middle of the next: also beyond this head."""
        position = self.position(data.draw(st.integers(0, len(self.stored))))
        sequence = position.sequence
        if position.batch_number < len(self.stored):
            count = self.stored[position.batch_number].event_count
            sequence += data.draw(st.integers(0, max(0, count - 1)))
        self.viewers.append(ModelViewer(position, sequence))

    @rule(data=st.data(), slow=st.booleans())
    def change_pace(self, data: st.DataObject, slow: bool) -> None:
        """Let a viewer's network be slow, or well again."""
        if self.viewers:
            data.draw(st.sampled_from(self.viewers)).slow = slow

    @rule(data=st.data())
    def catch_up(self, data: st.DataObject) -> None:
        """Let a viewer that is behind go on for a while."""
        if self.viewers:
            self.catch_up_step(data.draw(st.sampled_from(self.viewers)), data.draw(st.integers(1)))

    def catch_up_step(self, viewer: ModelViewer, most: int = 1) -> None:
        """Show what comes next from the ring or the store, or let it follow."""
        if viewer in self.following:
            return
        if viewer.has(self.feed.head.batch_number):
            self.following.append(viewer)
            return
        after = viewer.position.batch_number
        page = self.stored[after : min(after + PAGE_BATCHES, self.feed.head.batch_number)]
        for frames in (self.ring.after(after) or [BatchFrames(batch, b"[]") for batch in page])[
            :most
        ]:
            viewer.show(frames)

    @rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        """Move a viewer that does not follow to a keyframe anywhere in the store."""
        behind = [viewer for viewer in self.viewers if viewer not in self.following]
        batches = [batch for batch in self.stored if batch.event_count]
        if behind and batches:
            batch = data.draw(st.sampled_from(batches))
            sequence = data.draw(st.integers(batch.first_sequence, batch.next_sequence - 1))
            data.draw(st.sampled_from(behind)).skip_to(
                Position(batch.batch_number, batch.first_sequence), sequence
            )

    @invariant()
    def streams_are_ranges_of_the_store(self) -> None:
        """Check each part of each stream against the store."""
        for viewer in self.viewers:
            for (begin, sequence), part in zip(viewer.begins, viewer.parts, strict=True):
                assert part == list(self.expected(begin, sequence, len(part)))
            places = zip(viewer.skipped, viewer.begins[1:], viewer.parts[:-1], strict=True)
            for (first, last), (_, sequence), part in places:
                seen = [number for _, number in part if number >= 0]
                assert not seen or first == seen[-1] + 1
                assert last == sequence - 1

    def expected(self, begin: Position, sequence: int, length: int) -> Iterable[Seen]:
        """Return what a stream from a place on begins with."""
        seen: list[Seen] = []
        for batch in self.stored[begin.batch_number :]:
            if len(seen) >= length:
                break
            seen += seen_of(batch, sequence)
        return seen[:length]

    @invariant()
    def the_ring_is_bounded_and_ends_at_the_head(self) -> None:
        """Check the ring."""
        frames = self.ring.after(0) or self.ring.after(self.feed.head.batch_number - 1)
        assert self.ring.size <= RING_BYTES or len(frames) == 1
        if frames:
            assert frames[-1].batch.batch_number == self.feed.head.batch_number

    def teardown(self) -> None:
        """Once all is well, everybody sees everything up to the end."""
        self.poll()
        for _ in self.stored:
            self.repair()
        assert self.feed.head.batch_number == len(self.stored)
        for viewer in self.viewers:
            viewer.slow = False
            for _ in range(len(self.stored) + 1):
                self.catch_up_step(viewer)
            assert viewer in self.following
            assert viewer.has(len(self.stored))
        self.streams_are_ranges_of_the_store()


LiveView.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLiveView = LiveView.TestCase
