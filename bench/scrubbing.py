"""Scrubbing: what each rule adds to the work of checking a batch, in this process alone."""

import time
from collections.abc import Sequence
from uuid import uuid4

from bench.figures import Figure, Result
from bench.plan import Plan
from bench.progress import progress
from bench.target import ApiKeys, Target
from spectraview.ingest.body import Limits, parse_batch
from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES, Scrubber

THIS_PROCESS = Target("this process", "", 0, "", ApiKeys("", ""), "bench", "bench", {})
_LIMITS = Limits(max_inflated=33_554_432, max_events=50_000)


def measure_scrubbing(target: Target, plan: Plan) -> list[Result]:
    """Run the benchmark: rules take turns, and the best turn of each counts."""
    rule_sets = {"no rules": (), **{rule: (rule,) for rule in SCRUB_RULES}, "all": SCRUB_RULES}
    best = dict.fromkeys(rule_sets, float("inf"))
    bodies = [b"{" + batch.members for recording in plan.recordings for batch in recording.batches]
    end = time.perf_counter() + plan.seconds
    with progress("scrub", plan.seconds, "s") as bar:
        while bar.n == 0 or time.perf_counter() < end:
            for name, rules in rule_sets.items():
                best[name] = min(best[name], _parse_seconds(bodies, Scrubber(rules)))
            bar.n = plan.seconds - max(0.0, end - time.perf_counter())
            bar.refresh()
    events = sum(len(recording.events) for recording in plan.recordings)
    figures = [
        Figure(f"CPU µs/event, {name}", seconds * 1e6 / events, "less")
        for name, seconds in best.items()
    ]
    return [Result("scrub", target.name, figures)]


def _parse_seconds(bodies: Sequence[bytes], scrubber: Scrubber) -> float:
    """Return the CPU time that it takes to check all bodies."""
    session_id = uuid4()
    begun = time.thread_time()
    for body in bodies:
        parse_batch(session_id, body, idempotency_key=None, limits=_LIMITS, scrubber=scrubber)
    return time.thread_time() - begun
