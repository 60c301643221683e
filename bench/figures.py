"""What a measurement says: figures with their names, for tables and for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bench.processes import BENCHMARK

Better = Literal["more", "less"]
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `better` says which way is, where two servers can be compared by it."""

    name: str
    value: float | None
    better: Better | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found out about one server; `problems` make the run a failed one."""

    benchmark: str
    server: str
    figures: Sequence[Figure]
    problems: Sequence[str] = field(default=())

    def figure(self, name: str) -> Figure | None:
        """Return a figure by its name."""
        return next((figure for figure in self.figures if figure.name == name), None)


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the smallest of the ordered values that `percent` of them do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def latency_figures(seconds: Sequence[float], name: str = "") -> list[Figure]:
    """Return the percentiles in milliseconds."""
    ordered = sorted(seconds)
    found = [(percent, percentile(ordered, percent)) for percent in PERCENTILES]
    return [
        Figure(f"{name}p{percent} ms", None if value is None else value * 1000, "less")
        for percent, value in found
    ]


def cpu_figures(
    before: Mapping[str, float], after: Mapping[str, float], count: int, unit: str
) -> list[Figure]:
    """Return each process group's microseconds of CPU for each of `count` events, and the sum."""
    spent = {name: (after[name] - before[name]) * 1e6 / max(count, 1) for name in before}
    server = [value for name, value in spent.items() if name != BENCHMARK]
    return [
        *(Figure(f"{name} CPU µs/{unit}", value, _better(name)) for name, value in spent.items()),
        *([Figure(f"server CPU µs/{unit}", sum(server), "less")] if server else []),
    ]


def _better(group: str) -> Better | None:
    return None if group == BENCHMARK else "less"
