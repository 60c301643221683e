"""A million sessions beside a thousand: the list, analytics, ingest and replay. `python -m
bench.million`.
"""

import base64
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import click

from bench.api import Api
from bench.discovery import find_processes
from bench.errors import BenchError
from bench.figures import Figure, Result, cpu_figures, percentile
from bench.machine import facts_text, machine_facts
from bench.million_servers import filled_server
from bench.plan import Plan
from bench.processes import ProcessGroups
from bench.progress import progress
from bench.recordings import default_files, load_recording
from bench.report import results_json, table
from bench.run import run_benchmarks
from bench.target import Target

_DEPTHS = (None, 1.0, 7.0, 15.0, 22.0, 29.0)
"""Days behind which a page begins; None is the first page."""

_DEPTHS_OF_OLD = {"to": (None, 22.0, 25.0, 29.0)} | dict.fromkeys(
    ("a day", "a day, app, errors"), (None, 19.2, 19.5, 19.8)
)
"""Cursors of lists that end before now lie before their end."""

_LAST_ID = UUID(int=2**128 - 1)
_OFFSETS = (1000, 10_000)


def list_cases(now: datetime) -> dict[str, str]:
    """Return what the list is narrowed to, by names."""
    day = f"from={_iso(now - timedelta(days=20))}&to={_iso(now - timedelta(days=19))}"
    return {
        "nothing": "",
        "appId, large": "appId=app-0",
        "appId, small": "appId=app-19",
        "userId": "userId=user-0@example.com",
        "ticketId": "ticketId=T-507",
        "a day": day,
        "to": f"to={_iso(now - timedelta(days=20))}",
        "hasErrors": "hasErrors=true",
        "hasErrors=false": "hasErrors=false",
        "minErrors=3": "minErrors=3",
        "minErrors=100": "minErrors=100",
        "hasRageClicks": "hasRageClicks=true",
        "hasDeadClicks": "hasDeadClicks=true",
        "live": "live=true",
        "live=false": "live=false",
        "minDuration=600": "minDuration=600",
        "minDuration=2400": "minDuration=2400",
        "maxDuration=2": "maxDuration=2",
        "customEvent, frequent": "customEvent=event_0",
        "customEvent, rare": "customEvent=refund_requested",
        "customEvent, of old": "customEvent=beta_banner",
        "url, frequent": "url=checkout",
        "url, rare": "url=/cart/77",
        "q, a user": "q=user-1234@",
        "q, nothing": "q=nothing-like-this",
        "q, two letters": "q=zq",
        "errorMessage": "errorMessage=fetch order 7",
        "a day, app, errors": f"{day}&appId=app-3&hasErrors=true",
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _path(query: str, now: datetime, depth: float | None) -> str:
    """Return the address of a page: one at a depth begins at a cursor as the list makes them."""
    path = f"/api/sessions?{query.replace(' ', '%20')}"
    if depth is None:
        return path
    place = f"{(now - timedelta(days=depth)).isoformat()} {_LAST_ID} 0 0"
    return f"{path}&cursor={base64.urlsafe_b64encode(place.encode()).decode()}"


@dataclass(slots=True)
class _Asked:
    """A server that is asked for lists, and how long it took for each case."""

    api: Api
    groups: ProcessGroups
    before: Mapping[str, float]
    seconds: dict[str, list[float]]
    first: list[float] = field(default_factory=list)

    def ask(self, case: str, path: str, *, first: bool) -> None:
        """Fetch a page."""
        passed = _time(self.api, path)
        self.seconds[case].append(passed)
        if first:
            self.first.append(passed)

    def figures(self) -> list[Figure]:
        """Return what was measured."""
        after = self.groups.cpu_seconds()
        pages = [passed for case in self.seconds.values() for passed in case]
        return [
            *_figures("all pages", pages),
            *_figures("first pages, which count", self.first),
            *cpu_figures(self.before, after, len(pages), "page"),
            *(figure for case, each in self.seconds.items() for figure in _figures(case, each)),
        ]


def measure_lists(targets: Sequence[Target], rounds: int) -> list[Result]:
    """Fetch pages of each list at each depth; the servers take turns."""
    now = datetime.now(UTC)
    cases = list_cases(now)
    with ExitStack() as opened:
        apis = [opened.enter_context(Api(target)) for target in targets]
        for path in (_path(q, now, depth) for case, q in cases.items() for depth in _depths(case)):
            for api in apis:
                _time(api, path)  # warms up
        servers = [_asked(target, api, cases) for target, api in zip(targets, apis, strict=True)]
        with progress("lists", rounds, "rounds") as bar:
            for _ in range(rounds):
                _ask_all(servers, cases, now)
                bar.update()
        return [
            Result("list", target.name, [*asked.figures(), *_offset_figures(asked.api, rounds)])
            for target, asked in zip(targets, servers, strict=True)
        ]


def _asked(target: Target, api: Api, cases: Iterable[str]) -> _Asked:
    groups = find_processes(target)
    return _Asked(api, groups, groups.cpu_seconds(), {case: [] for case in cases})


def _ask_all(servers: Sequence[_Asked], cases: Mapping[str, str], now: datetime) -> None:
    for case, query in cases.items():
        for depth in _depths(case):
            for server in servers:
                server.ask(case, _path(query, now, depth), first=depth is None)


def _depths(case: str) -> tuple[float | None, ...]:
    return _DEPTHS_OF_OLD.get(case, _DEPTHS)


def _offset_figures(api: Api, rounds: int) -> list[Figure]:
    return [
        figure
        for offset in _OFFSETS
        for figure in _figures(
            f"offset={offset}",
            [_time(api, f"/api/sessions?offset={offset}") for _ in range(rounds)],
        )
    ]


def measure_analytics(target: Target) -> Result:
    """Time the reports, which read many rows."""
    with Api(target) as api:
        figures = [
            Figure(f"{path or '/'} of {days} days, ms", 1000 * _time(api, _report(path, days)))
            for path in ("", "/errors", "/events")
            for days in (1, 7, 30)
        ]
    return Result("analytics", target.name, figures)


def _report(path: str, days: int) -> str:
    since = _iso(datetime.now(UTC) - timedelta(days=days))
    return f"/api/analytics{path}?from={since}"


def _time(api: Api, path: str) -> float:
    begun = time.perf_counter()
    answer = api.get(path)
    passed = time.perf_counter() - begun
    if answer.status != HTTPStatus.OK:
        raise BenchError(f"{path} was answered {answer.status}: {answer.body[:200]!r}")
    return passed


def _figures(name: str, seconds: Sequence[float]) -> list[Figure]:
    ordered = sorted(seconds)
    found = {percent: percentile(ordered, percent) or 0.0 for percent in (50, 95)}
    return [Figure(f"{name} p{percent} ms", 1000 * value) for percent, value in found.items()]


def _plan(seconds: float) -> Plan:
    return Plan(
        recordings=[load_recording(file) for file in default_files()],
        seconds=seconds,
        connections=16,
        sessions=64,
        load=None,
        viewers=1,
        rate=1,
        stalled=1,
        rounds=1,
        cut_timeout=1,
        storm=1,
        idle=1,
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--sessions", type=click.IntRange(min=1000), default=1_000_000, help="How many.")
@click.option("--rounds", type=click.IntRange(min=1), default=20, help="Times that each is asked.")
@click.option("--seconds", type=click.FloatRange(min=1), default=10.0, help="Of ingest and replay.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Also.")
def main(sessions: int, rounds: int, seconds: float, json_file: Path | None) -> None:
    """Measure a server with a million sessions beside one with a thousand.

    Both are started here, with the embedded PostgreSQL in a folder that goes away afterwards.
    """
    plan = _plan(seconds)
    facts = machine_facts(plan.recordings)
    click.echo(facts_text(facts))
    with ExitStack() as opened:
        counts = (1000, sessions)
        targets = [
            opened.enter_context(filled_server(f"{count:,}", count, "bench")) for count in counts
        ]
        results = measure_lists(targets, rounds)
        _show(results, facts, [], json_file)
        everything = [*results, *(measure_analytics(target) for target in targets)]
        _show(everything[2:], facts, everything, json_file)
        for measured in run_benchmarks(("ingest", "replay"), plan, targets):
            everything += measured
            _show(measured, facts, everything, json_file)
    sys.exit(1 if any(result.problems for result in everything) else 0)


def _show(
    results: Sequence[Result],
    facts: Mapping[str, str],
    everything: Sequence[Result],
    json_file: Path | None,
) -> None:
    click.echo("\n" + table(results))
    if json_file is not None and everything:
        text = json.dumps(results_json(facts, everything), indent=2, ensure_ascii=False)
        json_file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
