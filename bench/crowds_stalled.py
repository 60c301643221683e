"""Stalled viewers beside good ones: what the good ones notice, and what the stalled ones cost."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from uuid import UUID, uuid4

from bench.api import Api
from bench.crowds_memory import MemoryWatch, app_memory
from bench.crowds_silent import SilentViewers
from bench.discovery import find_processes
from bench.figures import Figure, Result, percentile
from bench.live import (
    CONNECT_TIMEOUT,
    RESULT_TIMEOUT,
    latencies,
    now_ms,
    numbered_batches,
    post_batches,
    post_until_ready,
    receive,
    running_viewers,
)
from bench.plan import Plan
from bench.recordings import BATCH_SIZE, BatchBody
from bench.target import Target
from bench.viewers import Watched

_LARGEST_EVENT = 10_000


@dataclass(frozen=True, slots=True)
class _Round:
    """What one round showed; latencies are in milliseconds and ordered, memory in bytes."""

    latencies: Sequence[float]
    watched: Watched
    posted: int
    stored: int | None
    memory_before: int | None
    memory_peak: int | None
    cut_after: Sequence[float]

    @property
    def growth(self) -> int:
        """Return by how many bytes the app grew."""
        return (self.memory_peak or 0) - (self.memory_before or 0)

    def percentile(self, percent: float) -> float:
        """Return a percentile of the latencies."""
        return percentile(self.latencies, percent) or math.nan


def measure_stalled(target: Target, plan: Plan) -> list[Result]:
    """Stream sessions to good viewers, in turns without and with as many stalled ones beside.

    Raises BenchError.
    """
    count = max(1, math.ceil(plan.seconds * plan.rate))
    batches = numbered_batches(plan.recordings, count, _LARGEST_EVENT)
    without: list[_Round] = []
    beside: list[_Round] = []
    for number in range(1, plan.rounds + 1):
        turns = [(without, 0, "without"), (beside, plan.stalled, "with stalled")]
        for rounds, stalled, how in turns if number % 2 else reversed(turns):
            name = f"round {number} of {plan.rounds}, {how}"
            rounds.append(_play(target, plan, batches, stalled, name))
    cut_after = [seconds for played in beside for seconds in played.cut_after]
    figures = [
        Figure("good viewers", plan.stalled),
        Figure("stalled viewers", plan.stalled),
        Figure("rounds", plan.rounds),
        Figure("KB of JSON/batch", sum(batch.raw_bytes for batch in batches) / count / 1e3),
        *_latency_figures(without, beside),
        *_memory_figures(without, beside, plan.stalled),
        Figure("stalled viewers cut", len(cut_after)),
        Figure("first cut after s", min(cut_after, default=None)),
        Figure("last cut after s", max(cut_after, default=None)),
        *_delivery_figures([*without, *beside]),
    ]
    problems = [*_delivery_problems([*without, *beside])]
    if missing := plan.stalled * plan.rounds - len(cut_after):
        problems.append(f"{missing} stalled viewers were not cut within {plan.cut_timeout:g} s")
    return [Result("stalled", target.name, figures, problems)]


def _play(
    target: Target, plan: Plan, batches: Sequence[BatchBody], stalled: int, name: str
) -> _Round:
    session_id = uuid4()
    with Api(target) as api:
        api.start(session_id, now_ms())
        played = _stream(api, target, plan, session_id, batches, stalled, name)
        api.end(session_id, now_ms())
    return played


def _stream(
    api: Api,
    target: Target,
    plan: Plan,
    session_id: UUID,
    batches: Sequence[BatchBody],
    stalled: int,
    name: str,
) -> _Round:
    with (
        running_viewers(target, session_id, plan.stalled) as link,
        SilentViewers(target, session_id) as silent,
    ):
        receive(link, CONNECT_TIMEOUT)
        posted = post_until_ready(api, link, session_id) + len(batches) * BATCH_SIZE
        groups = find_processes(target)
        memory_before = app_memory(groups)
        with MemoryWatch(groups) as memory:
            silent.come(stalled)
            moments = post_batches(api, session_id, batches, plan.rate, name)
            link.send(len(batches))
            watched = receive(link, RESULT_TIMEOUT)
            cut_after = silent.wait_until_cut(plan.cut_timeout)
    assert isinstance(watched, Watched)
    return _Round(
        latencies=sorted(seconds * 1000 for seconds in latencies(moments, watched)),
        watched=watched,
        posted=posted,
        stored=api.count_events(session_id),
        memory_before=memory_before,
        memory_peak=memory.peak,
        cut_after=cut_after,
    )


def _latency_figures(without: Sequence[_Round], beside: Sequence[_Round]) -> Iterator[Figure]:
    """Yield the medians of the rounds, how they compare, and how far the rounds lie apart."""
    for percent in (50, 99):
        alone = median(played.percentile(percent) for played in without)
        crowded = median(played.percentile(percent) for played in beside)
        yield Figure(f"p{percent} ms without", alone, "less")
        yield Figure(f"p{percent} ms with", crowded, "less")
        yield Figure(f"p{percent} with / without", crowded / alone, "less")
    for name, rounds in (("without", without), ("with", beside)):
        found = [played.percentile(99) for played in rounds]
        yield Figure(f"  least p99 ms {name}", min(found))
        yield Figure(f"  largest p99 ms {name}", max(found))


def _memory_figures(
    without: Sequence[_Round], beside: Sequence[_Round], stalled: int
) -> Iterator[Figure]:
    """Yield the app's memory; all that it grows by within a round counts for the stalled."""
    peaks = [played.memory_peak for played in (*without, *beside) if played.memory_peak]
    if not peaks:
        return
    growth = max(played.growth for played in beside)
    yield Figure("app MB more in a round without", max(p.growth for p in without) / 1e6)
    yield Figure("app MB more in a round with", growth / 1e6)
    yield Figure("app KB/stalled viewer, at most", growth / stalled / 1e3, "less")
    yield Figure("app MB, peak of all rounds", max(peaks) / 1e6)


def _delivery_figures(rounds: Sequence[_Round]) -> list[Figure]:
    watched = [played.watched for played in rounds]
    return [
        Figure("delivered", sum(seen.delivered for seen in watched)),
        Figure("lost", sum(seen.lost for seen in watched)),
        Figure("doubled", sum(seen.doubled for seen in watched)),
        Figure("out of order", sum(seen.disordered for seen in watched)),
    ]


def _delivery_problems(rounds: Sequence[_Round]) -> Iterator[str]:
    if any(p.watched.lost or p.watched.doubled or p.watched.disordered for p in rounds):
        yield "not every good viewer got every event once and in order"
    if closed := sum(played.watched.closed for played in rounds):
        yield f"{closed} good viewers were cut off"
    if any(played.stored not in (None, played.posted) for played in rounds):
        yield "not everything that was posted is stored"
