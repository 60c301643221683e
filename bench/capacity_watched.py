"""One step of the viewers ladder: so many viewers, and the sessions that they watch."""

from collections.abc import Sequence
from http import HTTPStatus

from bench.capacity_gauges import Gauges
from bench.capacity_generator import running_generator
from bench.capacity_load import Loaded, LoadPlan
from bench.capacity_server import Server
from bench.capacity_step import load_figures, posted, problems
from bench.capacity_viewers import VIEWERS_OF_EACH, Seen, running_watchers
from bench.figures import Figure, Result, percentile
from bench.live import numbered_batches
from bench.progress import progress
from bench.recordings import BATCH_SIZE, Recording

_PERCENTILES = (50, 95, 99)


def viewers_plan(
    recordings: Sequence[Recording], viewers: int, interval: float, warm_up: float, seconds: float
) -> LoadPlan:
    """Return the load of the sessions that so many viewers watch: small events, as most are."""
    count = int((warm_up + seconds) / interval) + 1
    batches = numbered_batches(recordings, count)
    recording = Recording("live", [], batches)
    sessions = max(1, viewers // VIEWERS_OF_EACH)
    return LoadPlan([recording], sessions, interval, warm_up, seconds, follow=True)


def measure_viewers(server: Server, *, plan: LoadPlan, viewers: int) -> Result:
    """Run a step. Raises BenchError."""
    name = f"{viewers:,}"
    gauges = Gauges(server)
    with (
        progress(f"viewers {name}", 1, "step"),
        running_generator(server.target, plan) as generator,
        gauges.watch_memory() as memory,
        running_watchers(server.target, generator.started(), viewers) as watchers,
    ):
        watchers.subscribed()
        generator.go()
        loaded = posted(generator, gauges)
        seen = watchers.seen([plan.batches_of(s) * BATCH_SIZE for s in range(plan.sessions)])
        if not server.own:
            generator.end_sessions()
    figures = [
        Figure("viewers", viewers),
        *load_figures(plan, loaded),
        *_live_figures(plan, loaded, seen),
        *gauges.cpu_figures(loaded.events),
        *gauges.memory_figures(memory.peak, viewers),
    ]
    found = problems(loaded, figures, None)
    watched = (number % plan.sessions for number in range(viewers))
    expected = sum(map(plan.batches_of, watched)) * BATCH_SIZE
    if seen.events != expected or seen.misplaced:
        found.append(f"viewers got {seen.events} of {expected} events, {seen.misplaced} misplaced")
    if seen.closed:
        found.append(f"{seen.closed} viewers were cut off")
    return Result("viewers", name, figures, found)


def _live_figures(plan: LoadPlan, loaded: Loaded, seen: Seen) -> list[Figure]:
    """Say how long batches took from their planned moments to each viewer."""
    delays = []
    for moment, session, batch in zip(seen.moments, seen.sessions, seen.batches, strict=True):
        number = batch * plan.sessions + session
        if number >= plan.first_measured:
            delays.append(moment - loaded.begun - number * plan.spacing)
    delays.sort()
    assert loaded.statuses[HTTPStatus.OK] or not delays, "only what was taken is seen"
    values = [(p, percentile(delays, p)) for p in _PERCENTILES]
    return [
        Figure("deliveries/s", len(delays) * BATCH_SIZE / plan.seconds),
        *(Figure(f"to the viewer p{p} ms", v and v * 1000) for p, v in values),
    ]
