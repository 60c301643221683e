"""Live: one session, many viewers; how long each batch takes to reach them all."""

import math
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import cycle, islice
from multiprocessing.connection import Connection
from uuid import UUID, uuid4

from bench.api import Api
from bench.discovery import find_processes
from bench.engines import engine_counters, engine_figures
from bench.errors import BenchError
from bench.figures import Figure, Result, cpu_figures, latency_figures
from bench.plan import Plan
from bench.progress import progress
from bench.recordings import BATCH_SIZE, BatchBody, Recording, batch_body, event_text
from bench.streams import NUMBER_MEMBER, READY
from bench.target import Target
from bench.viewers import Failed, Report, Watched, watch

_INCREMENTAL = 3
_LARGEST_EVENT = 1000
CONNECT_TIMEOUT = 120.0
_READY_TRIES = 40
_READY_PAUSE = 0.5
RESULT_TIMEOUT = 120.0


def measure_live(target: Target, plan: Plan) -> list[Result]:
    """Run the benchmark. Raises BenchError."""
    batches = numbered_batches(plan.recordings, max(1, math.ceil(plan.seconds * plan.rate)))
    session_id = uuid4()
    with Api(target) as api:
        api.start(session_id, now_ms())
        with running_viewers(target, session_id, plan.viewers) as link:
            receive(link, CONNECT_TIMEOUT)
            posted_before = post_until_ready(api, link, session_id)
            groups = find_processes(target)
            done = engine_counters(target)
            before, begun = groups.cpu_seconds(), time.perf_counter()
            moments = post_batches(api, session_id, batches, plan.rate, f"live {target.name}")
            link.send(len(batches))
            watched = receive(link, RESULT_TIMEOUT)
            seconds, after = time.perf_counter() - begun, groups.cpu_seconds()
            did = engine_counters(target)
        api.end(session_id, now_ms())
        stored = api.count_events(session_id)
    assert isinstance(watched, Watched)
    figures = [
        Figure("viewers", plan.viewers),
        Figure("batches posted/s", len(moments) / (moments[-1] - moments[0] + 1 / plan.rate)),
        Figure("deliveries/s", watched.delivered / seconds, "more"),
        *latency_figures(latencies(moments, watched)),
        *cpu_figures(before, after, watched.delivered, "delivery"),
        *engine_figures(done, did, len(moments), "batch"),
    ]
    posted = len(batches) * BATCH_SIZE + posted_before
    return [_checked(target, figures, watched, posted, stored)]


def _checked(
    target: Target, figures: Sequence[Figure], watched: Watched, posted: int, stored: int | None
) -> Result:
    """Add to the figures whether all viewers and the store got everything once and in order."""
    problems = []
    if watched.lost or watched.doubled or watched.disordered:
        problems.append("not every viewer got every event once and in order")
    if watched.closed:
        problems.append(f"{watched.closed} viewers were cut off")
    if stored not in (None, posted):
        problems.append(f"{posted} events were posted, {stored} are stored")
    counts = [
        Figure("delivered", watched.delivered),
        Figure("lost", watched.lost),
        Figure("doubled", watched.doubled),
        Figure("out of order", watched.disordered),
        Figure("events posted", posted),
        Figure("events stored", stored),
    ]
    return Result("live", target.name, [*figures, *counts], problems)


def numbered_batches(
    recordings: Sequence[Recording], count: int, largest_event: int = _LARGEST_EVENT
) -> list[BatchBody]:
    """Return batches of real events (mouse moves, small mutations), each with its number."""
    found = [
        event
        for recording in recordings
        for event in recording.events
        if event["type"] == _INCREMENTAL and len(event_text(event)) <= largest_event
    ]
    if not found:
        raise BenchError("The recordings have no small incremental events for the live benchmark")
    begun = now_ms()
    events = [
        {"type": event["type"], "data": {NUMBER_MEMBER: number} | event["data"]}
        | {"timestamp": begun + number}
        for number, event in enumerate(islice(cycle(found), count * BATCH_SIZE))
    ]
    starts = range(0, len(events), BATCH_SIZE)
    return [batch_body(events[start : start + BATCH_SIZE]) for start in starts]


@contextmanager
def running_viewers(target: Target, session_id: UUID, count: int) -> Iterator[Connection]:
    """Run the viewers in a process of their own, so that posting does not wait for them."""
    context = multiprocessing.get_context("spawn")
    link, theirs = context.Pipe()
    path = f"/api/sessions/{session_id}/live"
    process = context.Process(
        target=watch, args=(theirs, target, path, str(session_id), count), name="viewers"
    )
    process.start()
    theirs.close()
    try:
        yield link
    finally:
        link.close()
        process.terminate()
        process.join()


def receive(link: Connection, timeout: float) -> Report:
    """Return what the viewers report. Raises BenchError when they cannot go on."""
    try:
        report: Report | None = link.recv() if link.poll(timeout) else None
    except EOFError:
        report = None
    if report is None:
        raise BenchError("The viewers do not answer")
    if isinstance(report, Failed):
        raise BenchError(report.message)
    return report


def post_until_ready(api: Api, link: Connection, session_id: UUID) -> int:
    """Post single events until each viewer has got one; return how many it took."""
    for number in range(1, _READY_TRIES + 1):
        event = {"type": 5, "data": {NUMBER_MEMBER: READY, "tag": "ready"}, "timestamp": now_ms()}
        append_batch(api, session_id, batch_body([event]))
        if link.poll(_READY_PAUSE):
            receive(link, 0)
            return number
    raise BenchError("Not all viewers get events")


def post_batches(
    api: Api, session_id: UUID, batches: Sequence[BatchBody], rate: float, name: str
) -> list[float]:
    """Post the batches at a rate; return when each was."""
    posted = []
    due = time.perf_counter()
    with progress(name, len(batches), "batches") as bar:
        for batch in batches:
            time.sleep(max(0.0, due - time.perf_counter()))
            due += 1 / rate
            posted.append(time.perf_counter())
            append_batch(api, session_id, batch)
            bar.update()
    return posted


def append_batch(api: Api, session_id: UUID, batch: BatchBody) -> None:
    """Post one batch. Raises BenchError when it is not taken."""
    answer = api.append(session_id, batch)
    if answer.status != HTTPStatus.OK:
        raise BenchError(f"A batch was refused: {answer.status} {answer.body[:200]!r}")


def latencies(posted: Sequence[float], watched: Watched) -> list[float]:
    """Return the seconds that each batch took to each viewer."""
    return [
        moment - start
        for start, moments in zip(posted, watched.arrivals, strict=False)
        for moment in moments
    ]


def now_ms() -> int:
    """Return the time, as the SDK tells it."""
    return round(time.time() * 1000)
