"""How long after its acknowledgement a batch was shown, and whether that was too long.

Judged are viewers whom no fault but Redis's (or the publishers' network) could hold up: those of
PostgreSQL, of the processes, and of the network to viewers excuse delays until they are over, and
for some seconds more. On a busy machine the bench and all processes come to run late: that is
measured in the bench, and allowed for.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.faults.history import Delay, History, Phase, Violation

LONGEST_SECONDS = 1.5
"""What pub/sub has lost is found, and shown, within this time."""
_PROMISE = f"what is acknowledged is shown within {LONGEST_SECONDS} s"
_SPARING = ("cache-", "valkey-", "publishers-")
_SETTLE_SECONDS = {"database": 8.0, "postgresql": 3.0, "process": 3.0, "kill": 3.0, "viewers": 3.0}
"""What runs on a database's lost connections waits for 5 s and more until it is tried on others."""
_PROCESSES = 3
"""On a batch's way to the bench are PostgreSQL, the viewer's process and the bench:
each is as late on a busy machine as the bench is seen to be.
"""
_TICK = 0.05
_LATE = 0.02
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Staleness:
    """The delays that count for a fault."""

    judged: int
    p99: float
    longest: float


@asynccontextmanager
async def noting_stalls(history: History) -> AsyncIterator[None]:
    """Note when the bench itself comes to run late."""
    task = asyncio.create_task(_note_stalls(history), name="stalls")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _note_stalls(history: History) -> None:
    while True:
        due = time.monotonic() + _TICK
        await asyncio.sleep(_TICK)
        now = time.monotonic()
        if now - due > _LATE:
            history.stalls.append((due, now))


def staleness(history: History) -> Mapping[str, Staleness]:
    """Return the judged delays by fault, those without any as calm."""
    grouped: dict[str, list[float]] = {}
    for name, delay in _judged(history):
        grouped.setdefault(name, []).append(delay.seconds)
    return {name: _summed_up(sorted(seconds)) for name, seconds in grouped.items()}


def check_staleness(history: History) -> list[Violation]:
    """Return the viewers that were shown a batch too late."""
    found = []
    for name, delay in _judged(history):
        stalled = _stalled(history.stalls, delay) if delay.seconds > LONGEST_SECONDS else 0.0
        if delay.seconds - _PROCESSES * stalled > LONGEST_SECONDS:
            place = f"{delay.seconds:.2f} s ({stalled:.2f} s stalled) for {delay.place}"
            found.append(Violation(_PROMISE, f"{place} during {name}"))
    return found[:_SHOWN]


def _judged(history: History) -> Iterator[tuple[str, Delay]]:
    for delay in history.delays:
        lasting = [phase for phase in history.phases if _overlap(delay, phase)]
        if any(not _spares(name) for phase in lasting for name in phase.faults):
            continue
        names = {
            name for phase in lasting if phase.ended >= delay.since for name in phase.faults
        } or {"calm"}
        for name in names:
            yield name, delay


def _overlap(delay: Delay, phase: Phase) -> bool:
    return phase.began <= delay.until and delay.since <= phase.ended + _settle_seconds(phase)


def _settle_seconds(phase: Phase) -> float:
    return max(_SETTLE_SECONDS.get(name.partition("-")[0], 0.0) for name in phase.faults)


def _spares(fault: str) -> bool:
    return fault.startswith(_SPARING)


def _stalled(stalls: Sequence[tuple[float, float]], delay: Delay) -> float:
    """Return for how long of a delay the bench itself stood still."""
    return sum(
        max(0.0, min(ended, delay.until) - max(began, delay.since)) for began, ended in stalls
    )


def _summed_up(seconds: Sequence[float]) -> Staleness:
    return Staleness(len(seconds), seconds[int(len(seconds) * 0.99)], seconds[-1])
