"""What happened, as those who took part saw it: the batches that were sent, and what viewers
got.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Outcome = Literal["ok", "fail", "unknown"]

Item = tuple[str, int, int]
"""One thing that a viewer sees: `event`, `custom` or `error`, its batch's name, its place in it."""


@dataclass(slots=True)
class SentBatch:
    """One batch as its publisher knows it; `name` is unique in its session."""

    name: int
    events: int
    custom_events: int
    errors: int
    sent_at: float
    outcome: Outcome = "unknown"
    good: bool = True
    attempts: int = 0
    acknowledged_at: float = 0.0
    first_sequence: int | None = None

    def items(self) -> Iterator[Item]:
        """Yield what is in it, in the order in which a viewer gets it."""
        counts = {"event": self.events, "custom": self.custom_events, "error": self.errors}
        for kind, count in counts.items():
            for place in range(count):
                yield kind, self.name, place


@dataclass(slots=True)
class Stream:
    """What one viewer got of a session, over all connections that continue one another.

    `parts` are the items between two skips; `whole` tells whether custom events and errors have to
    be complete too (who resumes by sequence may miss those between two events).
    """

    viewer: str
    wanted: str
    whole: bool = True
    parts: list[list[Item]] = field(default_factory=lambda: [[]])
    skipped: list[tuple[int, int]] = field(default_factory=list)
    sequences: list[tuple[Item, int]] = field(default_factory=list)
    batches: list[tuple[int, int]] = field(default_factory=list)
    """Each frame's batch: its name, and the number that the frame gave it."""
    connections: int = 0
    ended: bool = False
    arrived: dict[int, float] = field(default_factory=dict)
    """When each batch's first item came."""
    told: list[str] = field(default_factory=list)
    """What its connections were told besides, and when, for the log."""

    def note(self, what: object) -> None:
        """Note what happened to it."""
        self.told.append(f"{time.monotonic():.3f} {what}")


@dataclass(slots=True)
class SessionHistory:
    """One session's batches and viewers."""

    session_id: UUID
    batches: list[SentBatch] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    before_end: frozenset[int] = frozenset()
    """Names of the batches that were acknowledged before its end was sent."""
    ended: bool = False
    in_order: bool = False
    """Whether its batches have to be stored in the order of their names."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and where."""

    promise: str
    place: str


@dataclass(slots=True)
class Tally:
    """Operations and their results while a fault lasted."""

    acknowledged: int = 0
    retried: int = 0
    unknown: int = 0
    refused: int = 0
    delivered: int = 0
    reconnected: int = 0
    longest_commit: float = 0.0
    times: int = 0


@dataclass(slots=True)
class Phase:
    """When faults went on."""

    faults: tuple[str, ...]
    began: float
    ended: float = math.inf


@dataclass(frozen=True, slots=True)
class Delay:
    """What was shown at `until` and could have been at `since`: it was acknowledged, and its viewer
    connected.
    """

    since: float
    until: float
    place: str

    @property
    def seconds(self) -> float:
        """Return how long it was."""
        return max(0.0, self.until - self.since)


@dataclass(slots=True)
class History:
    """A run: all sessions, what went wrong on the way, the tallies by fault, and what came when."""

    sessions: list[SessionHistory] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    phases: list[Phase] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """When the bench itself did not run."""
    stories: dict[UUID, str] = field(default_factory=dict)
    """Of the sessions whose history breaks a promise, all that is known."""

    @contextmanager
    def lasting(self, faults: Sequence[str]) -> Iterator[None]:
        """Note that these faults go on while the context lasts."""
        self.faults = tuple(faults)
        self.tally.times += 1
        phase = Phase(self.faults, time.monotonic())
        self.phases.append(phase)
        try:
            yield
        finally:
            self.faults = ()
            phase.ended = time.monotonic()

    @property
    def tally(self) -> Tally:
        """Return the tally of what goes on now."""
        name = "two at once" if len(self.faults) > 1 else "".join(self.faults) or "calm"
        return self.tallies.setdefault(name, Tally())

    def violate(self, promise: str, place: str) -> None:
        """Note a broken promise."""
        self.violations.append(Violation(promise, f"{place} during {' and '.join(self.faults)}"))
