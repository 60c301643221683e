"""The values of one process at a moment, and how those of several become one."""

from collections.abc import Callable, Iterable
from typing import Self

import msgspec

from spectraview.exposition.families import FAMILIES
from spectraview.observability.measures import Histogram

_Key = tuple[str, tuple[str, ...]]
_MERGES: dict[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min}


class Snapshot(msgspec.Struct):
    """What a process has noted so far; `ended` is true of its last one."""

    numbers: list[tuple[str, tuple[str, ...], float]] = []
    histograms: list[tuple[str, tuple[str, ...], list[int], float]] = []
    ended: bool = False

    def add(self, name: str, value: float, *labels: str) -> None:
        """Tell a counter's or a gauge's value."""
        self.numbers.append((name, labels, float(value)))  # a truth is a number too

    def add_histogram(self, name: str, histogram: Histogram, *labels: str) -> None:
        """Tell a histogram's values."""
        self.histograms.append((name, labels, histogram.counts.copy(), histogram.total))

    def retired(self) -> Self:
        """Return what remains of a process that has ended: its counts, not its state."""
        counted = [each for each in self.numbers if FAMILIES[each[0]].kind == "counter"]
        return type(self)(counted, self.histograms, ended=True)


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Return the values of several processes as one's."""
    numbers: dict[_Key, list[float]] = {}
    histograms: dict[_Key, tuple[list[int], float]] = {}
    for snapshot in snapshots:
        for name, labels, value in snapshot.numbers:
            numbers.setdefault((name, labels), []).append(value)
        for name, labels, counts, total in snapshot.histograms:
            before = histograms.get((name, labels))
            if before is not None:
                counts = [sum(pair) for pair in zip(counts, before[0], strict=True)]
                total += before[1]
            histograms[name, labels] = counts, total
    return Snapshot(
        [
            (name, labels, float(_MERGES[FAMILIES[name].merge](values)))
            for (name, labels), values in numbers.items()
        ],
        [(name, labels, *value) for (name, labels), value in histograms.items()],
    )
