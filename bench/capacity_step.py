"""One step of a ladder: so many sessions at one rhythm, for a time."""

from collections.abc import Sequence
from http import HTTPStatus

from bench.api import Api
from bench.capacity_gauges import Gauges
from bench.capacity_generator import Generator, running_generator
from bench.capacity_load import Loaded, LoadPlan
from bench.capacity_server import Server
from bench.figures import Figure, Result, percentile
from bench.progress import progress

P95 = "p95 ms"
LIMIT_MS = 100.0
"""What the 95th percentile of ingest must stay below."""
LATE_MS = 20.0
"""A generator that posts so late at its 95th percentile measures itself."""


def measure_step(server: Server, *, ladder: str, name: str, plan: LoadPlan) -> Result:
    """Run a step. Raises BenchError."""
    gauges = Gauges(server)
    with (
        progress(f"{ladder} {name}", 1, "step"),
        running_generator(server.target, plan) as generator,
        gauges.watch_memory() as memory,
    ):
        generator.started()
        generator.go()
        loaded = posted(generator, gauges)
        if not server.own:
            generator.end_sessions()
    with Api(server.target) as api:
        stored = api.count_stored()
    figures = [
        *load_figures(plan, loaded),
        *gauges.cpu_figures(loaded.events),
        *gauges.memory_figures(memory.peak, plan.sessions),
        *gauges.storage_figures(loaded.acknowledged // 50),
        Figure("events acknowledged", loaded.acknowledged),
        Figure("events stored", stored),
    ]
    return Result(ladder, name, figures, problems(loaded, figures, stored))


def posted(generator: Generator, gauges: Gauges) -> Loaded:
    """Return what became of the load once it is over, with the CPU of its measured time read."""
    generator.wait_for("warm")
    gauges.begin()
    generator.wait_for("posted")
    gauges.end()
    return generator.loaded()


def load_figures(plan: LoadPlan, loaded: Loaded) -> list[Figure]:
    """Say what was planned, what was taken, and how long it took."""
    ordered = sorted(loaded.latencies)
    refused = loaded.statuses.total() - loaded.statuses[HTTPStatus.OK]
    return [
        Figure("sessions", plan.sessions),
        Figure("a batch each s", plan.interval),
        Figure("measured s", plan.seconds),
        Figure("batches/s planned", loaded.planned / plan.seconds),
        Figure("events/s", loaded.events / plan.seconds),
        Figure("MB/s of JSON", loaded.raw_bytes / plan.seconds / 1e6),
        Figure("KB/s of bodies", loaded.body_bytes / plan.seconds / 1e3),
        *(Figure(f"p{p} ms", _ms(ordered, p)) for p in (50, 95, 99, 100)),
        Figure("p95 ms from sending", _ms(sorted(loaded.answer_times), 95)),
        Figure("generator late p95 ms", _ms(sorted(loaded.lateness), 95)),
        Figure("generator late at most ms", _ms(sorted(loaded.lateness), 100)),
        Figure("batches answered 200", loaded.statuses[HTTPStatus.OK]),
        Figure("batches not answered 200", refused),
        Figure("sessions ended and begun", loaded.started),
        Figure("connections opened again", loaded.reconnects),
    ]


def problems(loaded: Loaded, figures: Sequence[Figure], stored: int | None) -> list[str]:
    """Say what makes the step a failed one."""
    found = []
    values = {figure.name: figure.value for figure in figures}
    refused = {s: n for s, n in loaded.statuses.items() if s != HTTPStatus.OK and n}
    others = {s: n for s, n in loaded.other_statuses.items() if s != HTTPStatus.OK and n}
    if refused:
        found.append(f"batches were answered {refused}")
    if others:
        found.append(f"starts and ends of sessions were answered {others}")
    if loaded.duplicates:
        found.append(f"{loaded.duplicates} batches were taken for repeats")
    if stored is not None and stored < loaded.acknowledged:
        found.append(f"only {stored} of {loaded.acknowledged} acknowledged events are stored")
    if (values["generator late p95 ms"] or 0) > LATE_MS:
        found.append("the generator was late: this step says little of the server")
    return found


def holds(result: Result) -> bool:
    """Tell whether the server held a step: all was taken, within the limit where there is one."""
    figure = result.figure(P95)
    return not result.problems and (figure is None or (figure.value or LIMIT_MS) < LIMIT_MS)


def _ms(ordered: Sequence[float], percent: float) -> float | None:
    value = percentile(ordered, percent)
    return None if value is None else value * 1000
