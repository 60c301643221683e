"""Replay: recordings are stored once and fetched again and again, plain and gzip'd."""

import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle
from uuid import uuid4

from bench.api import Answer, Api
from bench.discovery import find_processes
from bench.errors import BenchError
from bench.figures import Figure, Result, cpu_figures, latency_figures
from bench.plan import Plan
from bench.progress import progress
from bench.recordings import Recording
from bench.target import Target

ENCODINGS = ("identity", "gzip")


@dataclass(frozen=True, slots=True)
class _Stored:
    """A recording that the server has."""

    recording: Recording
    path: str


@dataclass(slots=True)
class _Fetched:
    """What was fetched in one encoding; seconds by the recordings' names."""

    events: int = 0
    wire_bytes: int = 0
    raw_bytes: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)


def measure_replay(target: Target, plan: Plan) -> list[Result]:
    """Run the benchmark, once for each encoding. Raises BenchError."""
    with Api(target) as api:
        stored = [_store(api, recording) for recording in plan.recordings]
        return [_measure(target, api, stored, encoding, plan.seconds) for encoding in ENCODINGS]


def _measure(
    target: Target, api: Api, stored: Sequence[_Stored], encoding: str, seconds: float
) -> Result:
    differing = [each for each in stored if not _is_equal(api, each, encoding)]
    groups = find_processes(target)
    before, begun = groups.cpu_seconds(), time.perf_counter()
    name = f"replay {encoding} {target.name}"
    fetched = _fetch_for(seconds, api, stored, encoding, name)
    passed, after = time.perf_counter() - begun, groups.cpu_seconds()
    return Result(
        f"replay {encoding}",
        target.name,
        [
            *_figures(fetched, passed),
            *cpu_figures(before, after, fetched.events, "event"),
            Figure("recordings checked", len(stored)),
            Figure("unlike what was sent", len(differing)),
        ],
        [f"{each.recording.name} is not what was sent" for each in differing],
    )


def _store(api: Api, recording: Recording) -> _Stored:
    """Upload a recording as the SDK would. Raises BenchError."""
    session_id = uuid4()
    api.start(session_id, recording.events[0]["timestamp"])
    with progress(f"storing {recording.name}", len(recording.batches), "batches") as bar:
        for batch in recording.batches:
            answer = api.append(session_id, batch)
            if answer.status != HTTPStatus.OK:
                raise BenchError(f"A batch of {recording.name} was refused: {answer.status}")
            bar.update()
    api.end(session_id, recording.events[-1]["timestamp"])
    return _Stored(recording, f"/api/sessions/{session_id}/replay")


def _fetch(api: Api, stored: _Stored, encoding: str) -> Answer:
    answer = api.get(stored.path, encoding)
    if answer.status != HTTPStatus.OK:
        raise BenchError(f"The replay of {stored.recording.name} failed: {answer.status}")
    return answer


def _is_equal(api: Api, stored: _Stored, encoding: str) -> bool:
    """Tell whether a replay is what was sent; servers may also answer plain when asked for gzip."""
    answer = _fetch(api, stored, encoding)
    gzipped = answer.encoding == "gzip"
    replay = json.loads(gzip.decompress(answer.body) if gzipped else answer.body)
    return bool(replay["events"] == stored.recording.events)


def _fetch_for(
    seconds: float, api: Api, stored: Sequence[_Stored], encoding: str, name: str
) -> _Fetched:
    """Fetch the recordings in turn until the time is over, each at least once."""
    fetched = _Fetched()
    end = time.perf_counter() + seconds
    with progress(name, seconds, "s") as bar:
        for turn, each in enumerate(cycle(stored)):
            begun = time.perf_counter()
            if begun >= end and turn >= len(stored):
                return fetched
            answer = _fetch(api, each, encoding)
            passed = time.perf_counter() - begun
            fetched.seconds.setdefault(each.recording.name, []).append(passed)
            fetched.events += len(each.recording.events)
            fetched.raw_bytes += each.recording.raw_bytes
            fetched.wire_bytes += len(answer.body)
            bar.update(min(passed, seconds - bar.n))
    return fetched


def _figures(fetched: _Fetched, passed: float) -> list[Figure]:
    by_name = fetched.seconds.items()
    return [
        Figure("replays/s", sum(len(latencies) for _, latencies in by_name) / passed, "more"),
        Figure("events/s", fetched.events / passed, "more"),
        Figure("MB/s of JSON", fetched.raw_bytes / passed / 1e6, "more"),
        Figure("MB/s on the wire", fetched.wire_bytes / passed / 1e6),
        *(f for name, latencies in by_name for f in latency_figures(latencies, f"{name} ")),
    ]
