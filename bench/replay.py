"""Replay: recordings are stored once and fetched again and again, plain, gzip'd, and as browsers
ask for them.
"""

import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle
from uuid import uuid4

import zstandard

from bench.api import Answer, Api
from bench.discovery import find_processes
from bench.errors import BenchError
from bench.figures import Figure, Result, cpu_figures, latency_figures
from bench.plan import Plan
from bench.progress import progress
from bench.recordings import Recording
from bench.target import Target

ENCODINGS = {"identity": "identity", "gzip": "gzip", "browser": "gzip, deflate, br, zstd"}
"""What each measurement accepts; `browser` is what Chromium sends."""

_PAUSE = 0.5


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
    first_bytes: list[float] = field(default_factory=list)


def measure_replay(target: Target, plan: Plan) -> list[Result]:
    """Run the benchmark, once for each encoding. Raises BenchError."""
    with Api(target) as api:
        stored = [_store(api, recording) for recording in plan.recordings]
        _await_sealing(api, stored, plan.sealing)
        return [_measure(target, api, stored, encoding, plan.seconds) for encoding in ENCODINGS]


def _measure(
    target: Target, api: Api, stored: Sequence[_Stored], encoding: str, seconds: float
) -> Result:
    accepted = ENCODINGS[encoding]
    equal = [_is_equal(api, each, accepted) for each in stored]
    differing = [each for each, same in zip(stored, equal, strict=True) if same is False]
    groups = find_processes(target)
    before, begun = groups.cpu_seconds(), time.perf_counter()
    name = f"replay {encoding} {target.name}"
    fetched = _fetch_for(seconds, api, stored, accepted, name)
    passed, after = time.perf_counter() - begun, groups.cpu_seconds()
    return Result(
        f"replay {encoding}",
        target.name,
        [
            *_figures(fetched, passed),
            *cpu_figures(before, after, fetched.events, "event"),
            Figure("recordings checked", len(equal) - equal.count(None)),
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


def _is_equal(api: Api, stored: _Stored, accepted: str) -> bool | None:
    """Tell whether a replay is what was sent; None for a coding that we can't read (br)."""
    answer = _fetch(api, stored, accepted)
    if answer.encoding == "gzip":
        text = gzip.decompress(answer.body)
    elif answer.encoding == "zstd":
        reader = zstandard.ZstdDecompressor().stream_reader(answer.body, read_across_frames=True)
        text = reader.read()
    elif answer.encoding in (None, "identity"):
        text = answer.body
    else:
        return None
    return bool(json.loads(text)["events"] == stored.recording.events)


def _await_sealing(api: Api, stored: Sequence[_Stored], seconds: float) -> None:
    """Return when all recordings are sealed, or the time is over: not every server seals."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        answers = [api.get(f"{each.path}/manifest") for each in stored]
        if any(answer.status != HTTPStatus.OK for answer in answers):
            return
        if all(answer.json()["sealed"] for answer in answers):
            return
        time.sleep(_PAUSE)


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
            fetched.first_bytes.append(answer.first_byte)
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
        *latency_figures(fetched.first_bytes, "first byte "),
        *(f for name, latencies in by_name for f in latency_figures(latencies, f"{name} ")),
    ]
