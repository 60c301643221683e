"""The numbers that each part of the service keeps of its work.

They are plain Python: noting one costs a fraction of a microsecond. What they are called outside is
said in `spectraview/exposition`.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass

LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; the contract's bound of ingest, 0.1, is one of them."""
GROUP_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Histogram:
    """Counts values by size; the last count is of those above all bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class RequestMeasures:
    """Requests by method, route and status; refusals by code; and what bodies cost."""

    durations: dict[tuple[str, str, int], Histogram] = field(default_factory=dict)
    upgraded: Counter[str] = field(default_factory=Counter)
    """Connections that a request became, by route: they last, and are no durations."""
    refused: Counter[str] = field(default_factory=Counter)
    read: Histogram = field(default_factory=Histogram)
    parse: Histogram = field(default_factory=Histogram)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        key = (method, route, status)
        duration = self.durations.get(key)
        if duration is None:
            duration = self.durations[key] = Histogram()
        duration.observe(seconds)


@dataclass(slots=True)
class CommitMeasures:
    """What was committed, how long batches waited, and how long their statements took."""

    wait: Histogram = field(default_factory=Histogram)
    statement: Histogram = field(default_factory=Histogram)
    group: Histogram = field(default_factory=lambda: Histogram(GROUP_SIZES))
    batches: int = 0
    duplicates: int = 0
    events: int = 0
    custom_events: int = 0
    errors: int = 0
    json_bytes: int = 0
    stored_bytes: int = 0
    retries: int = 0


@dataclass(slots=True)
class DatabaseMeasures:
    """Statements on PostgreSQL, and whether the last one was answered."""

    statements: Histogram = field(default_factory=Histogram)
    outages: int = 0
    available: bool = True


@dataclass(slots=True)
class StandbyMeasures:
    """Reads that the standby answered, and those that the primary took instead, by the reason."""

    reads: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class RedisMeasures:
    """Rounds of commands to Redis."""

    rounds: Histogram = field(default_factory=Histogram)
    commands: int = 0
    outages: int = 0
    dropped: int = 0


@dataclass(slots=True)
class LiveMeasures:
    """What viewers were shown, and what it took that they miss nothing."""

    hub: Histogram = field(default_factory=Histogram)
    """From a batch in order to its frames handed to the sockets of all who follow."""
    socket: Histogram = field(default_factory=Histogram)
    """Waits for a peer that had not taken what was sent."""
    batches: int = 0
    deliveries: int = 0
    delivered_events: int = 0
    paged_events: int = 0
    gaps: int = 0
    repairs: int = 0
    repaired_batches: int = 0
    head_polls: int = 0
    missed_polls: int = 0
    skipped: int = 0
    too_slow: int = 0
    stalled: int = 0
    connections_lost: int = 0


@dataclass(slots=True)
class JobMeasures:
    """The rounds of one background job, and what they did, by kind."""

    rounds: int = 0
    failures: int = 0
    seconds: float = 0.0
    succeeded_at: float = 0.0
    done: Counter[str] = field(default_factory=Counter)

    def note(self, report: object) -> None:
        """Add what a round says that it did: a dataclass of numbers and lists."""
        if not is_dataclass(report):
            return
        for part in fields(report):
            value = getattr(report, part.name)
            self.done[part.name] += value if isinstance(value, int) else len(value)


@dataclass(slots=True)
class LoopMeasures:
    """How late the event loop comes to what is due, and the share of a core that it takes."""

    lag: Histogram = field(default_factory=Histogram)
    busy: float = 0.0
