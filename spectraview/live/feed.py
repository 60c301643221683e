"""Puts the batches of one session into stored order, whatever order they arrive in: a state machine
without I/O.
"""

from spectraview.storage.models import Position, StoredBatch

_MOST_HELD = 256


class Feed:
    """Takes batches and pointers to batches, gives them on once each, in order, without gaps."""

    def __init__(self, head: Position, *, most_held: int = _MOST_HELD) -> None:
        self.head = head
        self._held: dict[int, StoredBatch] = {}
        self._newest = head.batch_number
        self._most_held = most_held

    @property
    def newest(self) -> int:
        """Return the highest batch number that is known to be stored."""
        return self._newest

    @property
    def behind(self) -> bool:
        """Tell whether batches are known that have not been given on."""
        return self._newest > self.head.batch_number

    def note(self, batch_number: int) -> None:
        """Learn that all batches up to this one are stored."""
        self._newest = max(self._newest, batch_number)

    def offer(self, batch: StoredBatch) -> None:
        """Take a batch; what is old or already here changes nothing."""
        self.note(batch.batch_number)
        if batch.batch_number > self.head.batch_number:
            self._held[batch.batch_number] = batch
            if len(self._held) > self._most_held:  # what is needed last can be read again
                del self._held[max(self._held)]

    def take(self) -> StoredBatch | None:
        """Give on the next batch in order, None when it is not here."""
        batch = self._held.pop(self.head.batch_number + 1, None)
        if batch is not None:
            self.head = Position(batch.batch_number, batch.next_sequence)
        return batch
