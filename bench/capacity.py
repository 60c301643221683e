"""How much one process, or this machine, holds: sessions, events/s, viewers, storage. `python -m
bench.capacity`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

import click

from bench.capacity_cost import Variant, compare_cost
from bench.capacity_load import LoadPlan
from bench.capacity_nginx import behind_nginx
from bench.capacity_report import write_ladder
from bench.capacity_server import Server, own_server, server_at
from bench.capacity_step import holds, measure_step
from bench.capacity_storage import SETTINGS, measure_growth
from bench.capacity_watched import measure_viewers, viewers_plan
from bench.errors import BenchError
from bench.figures import Result
from bench.machine import facts_text, machine_facts
from bench.recordings import BATCH_SIZE, Recording, default_files, load_recording
from bench.report import table
from spectraview.embedded import default_data_dir

_PARTS = ("sessions", "events", "viewers", "storage")
_COST = "cost"
_COST_SESSIONS = 500
_MOST_CONNECTIONS = 1000
_FILE = click.Path(dir_okay=False, path_type=Path)


class _Options(TypedDict):
    parts: Sequence[str]
    url: str | None
    data_dir: Path | None
    workers: int
    nginx: bool
    settings: Sequence[str]
    recordings: Sequence[Path]
    sessions: Sequence[int]
    events: Sequence[int]
    viewers: Sequence[int]
    storage: Sequence[int]
    interval: float
    live_interval: float
    warm_up: float
    seconds: float
    past_limit: bool
    cost_events: int
    rounds: int
    other_python: str | None
    remark: str | None
    json_file: Path | None


def _ladder(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    """Take the numbers of a ladder apart."""
    steps = value.split(",")
    if not all(step.isdecimal() and int(step) for step in steps):
        raise click.BadParameter("must be numbers above 0, by commas", context, parameter)
    return list(map(int, steps))


def _ladder_option(name: str, default: str, text: str) -> Callable[..., Callable[..., object]]:
    return click.option(f"--{name}", default=default, callback=_ladder, metavar="N,...", help=text)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("parts", nargs=-1, type=click.Choice((*_PARTS, _COST)))
@click.option("--url", help="A server that runs, instead of a new one for each step.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where its keys.json lies.")
@click.option("--workers", type=click.IntRange(min=1), default=1, help="Processes that serve.")
@click.option("--nginx", is_flag=True, help="Put an nginx before it.")
@click.option("--setting", "settings", multiple=True, help="NAME=VALUE for the server's start.")
@click.option("--recordings", type=_FILE, multiple=True, help="A gzip'd recording; repeatable.")
@_ladder_option("sessions", "500,1000,2000,5000,10000,20000", "Sessions at once.")
@_ladder_option("events", "2000,5000,10000,15000,20000,25000,30000,40000", "Events/s.")
@_ladder_option("viewers", "100,500,1000,2000,5000", "Viewers, ten of each session.")
@_ladder_option("storage", "100,300,1000", "Sessions that are stored.")
@click.option("--interval", default=30.0, help="sessions: seconds between a session's batches.")
@click.option("--live-interval", default=1.0, help="viewers: the same of a watched session.")
@click.option("--warm-up", default=10.0, help="Seconds of each step before those measured.")
@click.option("--seconds", default=60.0, help="Measured seconds of each step.")
@click.option("--cost-events", type=click.IntRange(1), default=5000, help="cost: events/s.")
@click.option("--rounds", type=click.IntRange(1), default=5, help="cost: rounds of both.")
@click.option("--other-python", help="cost: the Python of a tree without what is to be compared.")
@click.option("--past-limit", is_flag=True, help="Go on when a step was too much.")
@click.option("--remark", help="What the run is called in the file, beside its part.")
@click.option("--json", "json_file", type=_FILE, help="Write the results there too.")
def main(**options: Unpack[_Options]) -> None:
    """Go up ladders of load until the 95th percentile of ingest passes 100 ms, or something fails.

    Each step has a server of its own, started on an empty folder. Load comes at planned moments,
    whatever the server does, and latencies count from those.
    """
    try:
        recordings = [load_recording(file) for file in options["recordings"] or default_files()]
        facts = machine_facts(recordings)
        click.echo(facts_text(facts))
        for part in options["parts"] or _PARTS:
            results: list[Result] = []
            climb = _compare if part == _COST else partial(_climb, part)
            for result in climb(recordings, options):
                results.append(result)
                click.echo("\n" + table([result]))
                if options["json_file"] is not None:
                    write_ladder(options["json_file"], _name(part, options), facts, results)
    except BenchError as error:
        raise click.ClickException(str(error)) from error


_Measure = Callable[[Server], Result]


def _climb(part: str, recordings: Sequence[Recording], options: _Options) -> Iterator[Result]:
    """Yield the results of a ladder, up to the first step that is too much."""
    settings = SETTINGS if part == "storage" else {}
    for measure in _steps(part, recordings, options):
        try:
            with _server(options, settings) as server:
                result = measure(server)
        except BenchError as error:
            result = Result(part, "failed", [], [str(error)])
        yield result
        if not holds(result) and not options["past_limit"]:
            return


def _steps(part: str, recordings: Sequence[Recording], options: _Options) -> Iterator[_Measure]:
    if part == "sessions":
        for sessions in options["sessions"]:
            plan = _plan(recordings, sessions, options["interval"], options)
            yield partial(measure_step, ladder=part, name=f"{sessions:,}", plan=plan)
    elif part == "events":
        for rate in options["events"]:
            sessions = min(_MOST_CONNECTIONS, max(1, rate // BATCH_SIZE))
            plan = _plan(recordings, sessions, sessions * BATCH_SIZE / rate, options)
            yield partial(measure_step, ladder=part, name=f"{rate:,}", plan=plan)
    elif part == "viewers":
        for viewers in options["viewers"]:
            rhythm = (options["live_interval"], options["warm_up"], options["seconds"])
            plan = viewers_plan(recordings, viewers, *rhythm)
            yield partial(measure_viewers, plan=plan, viewers=viewers)
    else:
        for sessions in options["storage"]:
            yield partial(measure_growth, sessions=sessions, recordings=recordings)


def _compare(recordings: Sequence[Recording], options: _Options) -> Iterator[Result]:
    """Yield what events cost with all that observes on, and in another tree without."""
    rate = options["cost_events"]
    plan = _plan(recordings, _COST_SESSIONS, _COST_SESSIONS * BATCH_SIZE / rate, options)
    given = _given(options)
    watched = {"SPECTRAVIEW_ACCESS_LOG": "true", **given}
    variants = [
        Variant("with", sys.executable, watched, scraped=True),
        Variant("without", options["other_python"] or sys.executable, given),
    ]
    return compare_cost(variants, plan, options["rounds"])


def _plan(
    recordings: Sequence[Recording], sessions: int, interval: float, options: _Options
) -> LoadPlan:
    return LoadPlan(recordings, sessions, interval, options["warm_up"], options["seconds"])


def _given(options: _Options) -> dict[str, str]:
    return dict(text.partition("=")[::2] for text in options["settings"])


@contextmanager
def _server(options: _Options, settings: Mapping[str, str]) -> Iterator[Server]:
    if options["url"] is not None:
        yield server_at(options["url"], options["data_dir"] or default_data_dir(), own=False)
        return
    with own_server(options["workers"], {**settings, **_given(options)}) as server:
        if not options["nginx"]:
            yield server
            return
        with behind_nginx(server) as shown:
            yield shown


def _name(part: str, options: _Options) -> str:
    """Return what the run is called in the file."""
    workers = f"{options['workers']} workers" if options["workers"] > 1 else None
    told = (part, workers, "nginx" if options["nginx"] else None, options["remark"])
    return ", ".join(filter(None, told))


if __name__ == "__main__":
    main()
