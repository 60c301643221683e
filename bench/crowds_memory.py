"""How much memory the app has while something happens."""

import threading
from types import TracebackType
from typing import Self

from bench.discovery import APP
from bench.processes import ProcessGroups

_PAUSE = 0.25


def app_memory(groups: ProcessGroups) -> int | None:
    """Return the app's resident bytes; None if its processes are not known."""
    return groups.memory_bytes().get(APP)


class MemoryWatch:
    """Looks again and again for the app's largest memory; use as a context manager."""

    def __init__(self, groups: ProcessGroups) -> None:
        self.peak = app_memory(groups)
        self._groups = groups
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        self._thread.join()

    def _look(self) -> None:
        while self.peak is not None and not self._leaving.wait(_PAUSE):
            self.peak = max(self.peak, app_memory(self._groups) or 0)
