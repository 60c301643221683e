"""Ingest: many sessions post real batches, as fast as the server takes them or at a given load."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from bench.api import Api
from bench.discovery import APP, find_processes
from bench.engines import engine_counters, engine_figures
from bench.errors import BenchError, RateLimited
from bench.figures import Figure, Result, cpu_figures
from bench.load import Load
from bench.plan import Plan
from bench.players import Pace
from bench.processes import ProcessGroups
from bench.progress import progress
from bench.tally import Tally
from bench.target import Target

_LONGEST_WARM_UP = 1.0
_TICK = 0.1


def measure_ingest(target: Target, plan: Plan) -> list[Result]:
    """Run the benchmark. Raises BenchError."""
    # The list of this user's sessions shows afterwards what the server has stored.
    target = replace(target, user_id=f"bench-{uuid4().hex}")
    return [asyncio.run(_measure(target, plan))]


async def _measure(target: Target, plan: Plan) -> Result:
    load = Load(target, plan.recordings, sessions=plan.sessions, connections=plan.connections)
    await load.start_sessions()
    groups = find_processes(target)
    posting = asyncio.create_task(load.post(Pace(plan.load)), name="load")
    await _watch(load, posting, min(_LONGEST_WARM_UP, plan.seconds / 5), "warming up")
    warm_up, load.tally = load.tally, Tally()
    done = await asyncio.to_thread(engine_counters, target)
    before, begun = groups.cpu_seconds(), time.perf_counter()
    await _watch(load, posting, plan.seconds, f"ingest {target.name}")
    load.stop()
    await posting
    seconds, after = time.perf_counter() - begun, groups.cpu_seconds()
    did = await asyncio.to_thread(engine_counters, target)
    figures = [
        *load.tally.figures(seconds),
        *cpu_figures(before, after, load.tally.events, "event"),
        *engine_figures(done, did, load.tally.events, "event"),
        *_app_memory(groups),
        Figure("sessions started meanwhile", load.tally.started),
    ]
    if not load.limited:
        await load.end_sessions()
    return _checked(target, figures, load, warm_up.events + load.tally.events)


def _checked(target: Target, figures: Sequence[Figure], load: Load, acknowledged: int) -> Result:
    """Add what the server itself counts to the figures."""
    stored = _count_stored(target)
    problems = load.tally.problems()
    if load.limited:
        problems.append(str(RateLimited()))
    if stored is not None and stored < acknowledged:
        problems.append(f"only {stored} of {acknowledged} acknowledged events are stored")
    counts = [Figure("events acknowledged", acknowledged), Figure("events stored", stored)]
    return Result("ingest", target.name, [*figures, *counts], problems)


async def _watch(load: Load, posting: "asyncio.Task[None]", seconds: float, name: str) -> None:
    """Show how the load gets on until the time is over or the load has ended by itself."""
    begun = time.perf_counter()
    with progress(name, seconds, "s") as bar:
        while (passed := time.perf_counter() - begun) < seconds and not posting.done():
            bar.set_postfix_str(f"{load.tally.events / max(passed, _TICK):,.0f} events/s")
            bar.update(passed - bar.n)
            await asyncio.wait({posting}, timeout=min(_TICK, seconds - passed))


def _app_memory(groups: ProcessGroups) -> list[Figure]:
    memory = groups.memory_bytes()
    return [Figure("app memory MB", memory[APP] / 1e6, "less")] if APP in memory else []


def _count_stored(target: Target) -> int | None:
    try:
        with Api(target) as api:
            return api.count_stored()
    except BenchError:
        return None
