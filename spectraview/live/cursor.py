"""Where a viewer stands in a session."""

from spectraview.storage.models import Position, StoredBatch


class Cursor:
    """A place between two batches, and the first event that is wanted after it."""

    def __init__(self, position: Position, sequence: int) -> None:
        self.position = position
        self.sequence = sequence

    def has(self, batch_number: int) -> bool:
        """Tell whether a batch lies before this place."""
        return self.position.batch_number >= batch_number

    def wants(self, batch_number: int) -> bool:
        """Tell whether a batch is the next one."""
        return self.position.batch_number == batch_number - 1

    def move(self, batch: StoredBatch) -> None:
        """Go on to the place after a batch."""
        self.position = Position(batch.batch_number, batch.next_sequence)
        self.sequence = max(self.sequence, batch.next_sequence)

    def jump(self, batch: Position, sequence: int) -> list[int] | None:
        """Go to a later batch, given by its number and first sequence, to see its events from a
        sequence on.

        Return the first and last sequence of what is left out; None, and stay, if it is no later
        one.
        """
        if self.has(batch.batch_number):
            return None
        skipped = [self.sequence, sequence - 1]
        self.position = Position(batch.batch_number - 1, batch.sequence)
        self.sequence = sequence
        return skipped
