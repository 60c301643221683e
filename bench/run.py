"""Runs benchmarks, on one server or on two in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.figures import Result
from bench.ingest import IngestOptions, measure_ingest
from bench.live import LiveOptions, measure_live
from bench.recordings import Recording
from bench.replay import ENCODINGS, measure_replay
from bench.target import Target

BENCHMARKS = ("ingest", "live", "replay")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    benchmarks: Sequence[str]
    recordings: Sequence[Recording]
    ingest: IngestOptions
    live: LiveOptions


def run_benchmarks(plan: Plan, targets: Sequence[Target]) -> Iterator[list[Result]]:
    """Yield each benchmark's results, one for each server; the servers take turns."""
    for benchmark in plan.benchmarks:
        found = [_measure(benchmark, plan, target) for target in targets]
        names = dict.fromkeys(result.benchmark for results in found for result in results)
        for name in names:
            yield [result for results in found for result in results if result.benchmark == name]


def _measure(benchmark: str, plan: Plan, target: Target) -> list[Result]:
    """Run one benchmark on one server; that it cannot be run is a result too."""
    try:
        match benchmark:
            case "ingest":
                return [measure_ingest(target, plan.recordings, plan.ingest)]
            case "live":
                return [measure_live(target, plan.recordings, plan.live)]
            case _:
                return measure_replay(target, plan.recordings, plan.ingest.seconds)
    except BenchError as error:
        names = [f"{benchmark} {encoding}" for encoding in ENCODINGS]
        return [
            Result(name, target.name, [], [str(error)])
            for name in (names if benchmark == "replay" else [benchmark])
        ]
