"""The last frames of a watched session, for viewers that are not far behind."""

from collections import deque
from itertools import islice

from spectraview.live.frames import BatchFrames


class Ring:
    """Holds the frames of batches that follow one another: as many as fit, and always the last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: deque[BatchFrames] = deque()
        self._bytes = 0

    @property
    def size(self) -> int:
        """Return about how many bytes of memory the frames hold."""
        return self._bytes

    def add(self, frames: BatchFrames) -> None:
        """Take the next batch's frames, and let the oldest go."""
        self._frames.append(frames)
        self._bytes += frames.size
        while self._bytes > self._limit and len(self._frames) > 1:
            self._bytes -= self._frames.popleft().size

    def after(self, batch_number: int) -> list[BatchFrames]:
        """Return all frames after a batch; none if they don't begin with the next one."""
        if not self._frames:
            return []
        ahead = batch_number + 1 - self._frames[0].batch.batch_number
        return list(islice(self._frames, ahead, None)) if ahead >= 0 else []
