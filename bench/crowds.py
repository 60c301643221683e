"""Crowds: many viewers that come at once to a long session, and many to whom nothing happens."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from bench.api import Api
from bench.crowds_memory import app_memory
from bench.crowds_scans import read_scans
from bench.crowds_viewers import Crowd
from bench.discovery import find_processes
from bench.figures import Figure, Result
from bench.live import append_batch, now_ms
from bench.plan import Plan
from bench.progress import progress
from bench.recordings import BatchBody, Recording, batch_body
from bench.target import Target

_SYNC_TIMEOUT = 60.0
_MISSED_EVENTS = 60
_IDLE_EVENTS = 10


def measure_storm(target: Target, plan: Plan) -> list[Result]:
    """Let all viewers come at once to a long session: new ones, then such that had been there.

    Raises BenchError.
    """
    recording = max(plan.recordings, key=lambda recording: recording.raw_bytes)
    missed = {"sequence": max(0, len(recording.events) - _MISSED_EVENTS)}
    return [
        _storm("storm, new viewers", target, plan, recording, "keyframe"),
        _storm("storm, viewers that resume", target, plan, recording, missed),
    ]


def _storm(name: str, target: Target, plan: Plan, recording: Recording, start: object) -> Result:
    session_id = uuid4()
    with Api(target) as api:
        _upload(api, session_id, recording.batches, recording.name)
        before = read_scans(target.database_url)
        with Crowd(target, session_id, start) as crowd:
            crowd.come(plan.storm, _SYNC_TIMEOUT)
        after = read_scans(target.database_url)
        api.end(session_id, now_ms())
    figures = [Figure("MB of the session", recording.raw_bytes / 1e6), *crowd.figures()]
    problems = crowd.problems()
    if before and after:
        figures += after.figures(before, plan.storm)
    if len(crowd.events_of_each()) > 1:
        problems.append("viewers got different numbers of events")
    return Result(name, target.name, figures, problems)


def measure_idle(target: Target, plan: Plan) -> list[Result]:
    """Let viewers come to a session in which nothing happens. Raises BenchError."""
    session_id = uuid4()
    recording = plan.recordings[0]
    with Api(target) as api:
        _upload(api, session_id, [batch_body(recording.events[:_IDLE_EVENTS])], recording.name)
        groups = find_processes(target)
        before = app_memory(groups)
        with Crowd(target, session_id, "now") as crowd:
            crowd.come(plan.idle, _SYNC_TIMEOUT)
            crowd.stay(plan.seconds)
            after = app_memory(groups)
        api.end(session_id, now_ms())
    figures = [*crowd.figures(), Figure("seconds idle", plan.seconds)]
    if before is not None and after is not None:
        figures += [
            Figure("app MB before", before / 1e6),
            Figure("app MB with", after / 1e6),
            Figure("app KB/viewer", (after - before) / plan.idle / 1e3, "less"),
        ]
    return [Result("idle", target.name, figures, crowd.problems())]


def _upload(api: Api, session_id: UUID, batches: Sequence[BatchBody], name: str) -> None:
    api.start(session_id, now_ms())
    with progress(f"uploading {name}", len(batches), "batches") as bar:
        for batch in batches:
            append_batch(api, session_id, batch)
            bar.update()
