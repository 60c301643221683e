"""Runs benchmarks, on one server or on two in turn."""

from collections.abc import Callable, Iterator, Sequence

from bench.crowds import measure_idle, measure_storm
from bench.crowds_stalled import measure_stalled
from bench.errors import BenchError
from bench.figures import Result
from bench.ingest import measure_ingest
from bench.live import measure_live
from bench.plan import Plan
from bench.replay import measure_replay
from bench.scrubbing import measure_scrubbing
from bench.storage import measure_storage
from bench.target import Target

BENCHMARKS: dict[str, Callable[[Target, Plan], Sequence[Result]]] = {
    "ingest": measure_ingest,
    "live": measure_live,
    "replay": measure_replay,
    "idle": measure_idle,
    "stalled": measure_stalled,
    "storm": measure_storm,
    "storage": measure_storage,
    "scrub": measure_scrubbing,
}
GROUPS = {"all": ("ingest", "live", "replay"), "crowds": ("idle", "stalled", "storm")}


def run_benchmarks(
    names: Sequence[str], plan: Plan, targets: Sequence[Target]
) -> Iterator[Sequence[Result]]:
    """Yield the results to be shown side by side, one for each server; the servers take turns."""
    for name in names:
        measured = [_measure(name, plan, target) for target in targets]
        if all(len(results) == len(measured[0]) for results in measured):
            yield from zip(*measured, strict=True)
        else:  # one of them failed
            yield from ([result] for results in measured for result in results)


def _measure(name: str, plan: Plan, target: Target) -> Sequence[Result]:
    """Run one benchmark on one server; that it cannot be run is a result too."""
    try:
        return BENCHMARKS[name](target, plan)
    except BenchError as error:
        return [Result(name, target.name, [], [str(error)])]
