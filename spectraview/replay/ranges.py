"""Which events a request asks for, and which sequences and batches those are."""

from dataclasses import dataclass

from spectraview.replay.sources import EventSource
from spectraview.storage.models import Session
from spectraview.storage.replays import ReplayStore


@dataclass(frozen=True, slots=True)
class ReplayRange:
    """What a request asks for: timestamps of events, or sequences; None leaves an end open.

    It begins at the newest keyframe at or before `from_timestamp`, and after `after_sequence`.
    """

    from_timestamp: int | None = None
    to_timestamp: int | None = None
    after_sequence: int | None = None
    to_sequence: int | None = None

    @property
    def whole(self) -> bool:
        """Tell whether this is the whole session."""
        return self == _WHOLE

    def __str__(self) -> str:
        ends = (
            self.from_timestamp,
            self.to_timestamp,
            self.after_sequence,
            self.to_sequence,
        )
        return "_".join("" if end is None else str(end) for end in ends)


_WHOLE = ReplayRange()


@dataclass(frozen=True, slots=True)
class Cut:
    """The events from `first_sequence` to before `next_sequence`, and the custom events and errors
    of the batches after `after_batch` through `through_batch`.
    """

    first_sequence: int
    next_sequence: int
    after_batch: int
    through_batch: int


class RangeFinder:
    """Finds where ranges begin and end."""

    def __init__(self, store: ReplayStore, source: EventSource) -> None:
        self._store = store
        self._source = source

    async def find(self, session: Session, wanted: ReplayRange) -> Cut:
        """Return what a range is of a session as it was looked up."""
        end = session.next_sequence
        if wanted.to_sequence is not None:
            end = min(end, wanted.to_sequence + 1)
        if wanted.to_timestamp is not None:
            end = await self._find_end(session, wanted.to_timestamp, end)
        start = await self._find_start(session, wanted)
        end = max(start, end)
        return Cut(
            start,
            end,
            await self._batches_before(session, start) if start else 0,
            session.batch_count
            if end == session.next_sequence
            else await self._batches_before(session, end),
        )

    async def _batches_before(self, session: Session, sequence: int) -> int:
        return await self._store.count_batches_before(session.session_id, session.day, sequence)

    async def _find_start(self, session: Session, wanted: ReplayRange) -> int:
        start = 0
        if wanted.from_timestamp is not None:
            found = await self._store.find_keyframe(
                session.session_id, session.day, wanted.from_timestamp, session.next_sequence
            )
            start = found or 0
        if wanted.after_sequence is not None:
            start = max(start, wanted.after_sequence + 1)
        return min(start, session.next_sequence)

    async def _find_end(self, session: Session, timestamp: int, end: int) -> int:
        """Return the sequence after the last event, before `end`, that is not after a time."""
        place = (session.session_id, session.day, timestamp)
        while found := await self._store.find_last_span(*place, end):
            first, before = found[0], min(found[1], end)
            last = await self._source.find_last(session, first, before, timestamp)
            if last is not None:
                return last + 1
            end = first
        return 0
