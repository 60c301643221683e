"""What an ingest run counts."""

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus

from bench.connection import ShortAnswer
from bench.figures import Figure, latency_figures
from bench.recordings import BatchBody

NO_ANSWER = 0
"""Counted as the status of a request that got none."""


@dataclass(slots=True)
class Tally:
    """Batches that were answered, and how; sessions that were started meanwhile."""

    events: int = 0
    raw_bytes: int = 0
    duplicates: int = 0
    started: int = 0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, batch: BatchBody, answer: ShortAnswer, seconds: float) -> None:
        """Count an answer and the seconds that it took."""
        self.statuses[answer.status] += 1
        if answer.status != HTTPStatus.OK:
            return
        self.latencies.append(seconds)
        if b'"duplicate":' in answer.body:
            self.duplicates += 1
            return
        self.events += batch.event_count
        self.raw_bytes += batch.raw_bytes

    def figures(self, seconds: float) -> list[Figure]:
        """Return rates, latencies, and what failed by its status."""
        failed = {s: n for s, n in sorted(self.statuses.items()) if s != HTTPStatus.OK}
        return [
            Figure("events/s", self.events / seconds, "more"),
            Figure("MB/s of JSON", self.raw_bytes / seconds / 1e6, "more"),
            Figure("batches/s", len(self.latencies) / seconds, "more"),
            *latency_figures(self.latencies),
            Figure("batches not answered 200", sum(failed.values())),
            *(Figure(f"  {_status_name(s)}", n) for s, n in failed.items()),
        ]

    def problems(self) -> list[str]:
        """Say what is wrong besides statuses."""
        return [f"{self.duplicates} batches were taken for repeats"] if self.duplicates else []


def _status_name(status: int) -> str:
    return "no answer" if status == NO_ANSWER else f"status {status}"
