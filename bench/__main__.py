"""The command line: `python -m bench`."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import click

from bench.errors import BenchError
from bench.figures import Result
from bench.machine import facts_text, machine_facts
from bench.plan import Plan
from bench.recordings import default_files, load_recording
from bench.report import results_json, table
from bench.run import BENCHMARKS, GROUPS, run_benchmarks
from bench.scrubbing import THIS_PROCESS
from bench.target import ApiKeys, Target, parse_url, read_keys
from spectraview.embedded import default_data_dir, running_addresses

_Command = TypeVar("_Command", bound=Callable[..., object])
_POSITIVE = click.FloatRange(min=0, min_open=True)
_AT_LEAST_ONE = click.IntRange(min=1)
_FILE = click.Path(dir_okay=False, path_type=Path)


class _Options(TypedDict):
    benchmark: str
    url: str
    data_dir: Path | None
    database_url: str | None
    redis_url: str | None
    ingest_key: str | None
    read_key: str | None
    app_id: str
    recordings: Sequence[Path]
    seconds: float
    connections: int
    sessions: int
    load: float | None
    viewers: int
    rate: float
    stalled: int
    rounds: int
    cut_timeout: float
    storm: int
    idle: int
    sealing: float
    process_ids: Mapping[str, int]
    other_url: str | None
    other_key: str | None
    other_process_ids: Mapping[str, int]
    json_file: Path | None


def _named_pids(
    context: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> dict[str, int]:
    """Take NAME=PID options apart."""
    found = {}
    for value in values:
        name, _, pid = value.partition("=")
        if not name or not pid.isdecimal():
            raise click.BadParameter(f"{value!r} is not NAME=PID", context, parameter)
        found[name] = int(pid)
    return found


def _pid_option(name: str, variable: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(
        name, variable, multiple=True, metavar="NAME=PID", callback=_named_pids, help=text
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("benchmark", type=click.Choice([*BENCHMARKS, *GROUPS]), default="all")
@click.option("--url", default="http://127.0.0.1:3001", help="The server, as [NAME=]URL.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where its keys.json lies.")
@click.option("--ingest-key", help="Key to write with, instead of that in keys.json.")
@click.option("--read-key", help="Key to read with, instead of that in keys.json.")
@click.option("--app", "app_id", default="bench", help="App that the sessions belong to.")
@click.option("--recordings", type=_FILE, multiple=True, help="A gzip'd recording; repeatable.")
@click.option("--seconds", type=_POSITIVE, default=10.0, help="Time of each measurement.")
@click.option("--connections", type=_AT_LEAST_ONE, default=32, help="ingest: connections.")
@click.option("--sessions", type=_AT_LEAST_ONE, default=256, help="ingest: sessions at once.")
@click.option("--load", type=_POSITIVE, help="ingest: events/s, instead of as many as go.")
@click.option("--viewers", type=_AT_LEAST_ONE, default=500, help="live: viewers.")
@click.option(
    "--rate", type=_POSITIVE, default=20.0, help="live, stalled: batches of 50 events a second."
)
@click.option(
    "--stalled", type=_AT_LEAST_ONE, default=50, help="stalled: as many read, as many not."
)
@click.option("--rounds", type=_AT_LEAST_ONE, default=3, help="stalled: rounds without and with.")
@click.option("--cut-timeout", type=_POSITIVE, default=20.0, help="stalled: cut within s, or fail.")
@click.option("--storm", type=_AT_LEAST_ONE, default=1000, help="storm: viewers at once.")
@click.option("--idle", type=_AT_LEAST_ONE, default=2000, help="idle: viewers.")
@click.option("--sealing", type=float, default=0.0, help="replay: wait up to s till all is sealed.")
@click.option("--database-url", help="The server's PostgreSQL, if not --data-dir's.")
@click.option("--redis-url", help="The server's Redis, if not --data-dir's.")
@_pid_option("--pid", "process_ids", "A process of the server, if it is not found by itself.")
@click.option("--compare", "other_url", help="A second server that gets the same, as NAME=URL.")
@click.option("--compare-key", "other_key", help="Its API key; the first server's if not given.")
@_pid_option("--compare-pid", "other_process_ids", "A process of the second server.")
@click.option("--json", "json_file", type=_FILE, help="Write the results there too.")
def main(**options: Unpack[_Options]) -> None:
    """Measure a running server: ingest, live, replay, or all of them; its crowds, or its storage.

    Crowds are: idle, many viewers to whom nothing happens; stalled, viewers that read nothing
    beside others; storm, many that come at once. Memory is told best of a server just started.
    Storage makes databases of its own, and drops them.

    Scrub needs no server: it measures what the rules add to the checking of batches.

    The server must not limit the rate of requests. What is stored for a measurement stays there
    until it expires: use a data folder of its own.
    """
    benchmark = options["benchmark"]
    try:
        targets, plan = _targets(options), _plan(options)
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    names = GROUPS.get(benchmark, (benchmark,))
    sys.exit(0 if _run(names, plan, targets, options["json_file"]) else 1)


def _targets(options: _Options) -> list[Target]:
    if options["benchmark"] == "scrub":
        return [THIS_PROCESS]
    keys = _keys(options)
    app_id, other_url = options["app_id"], options["other_url"]
    first = _target(options["url"], keys, app_id, options["process_ids"])
    targets = [replace(first, database_url=_database_url(options), redis_url=_redis_url(options))]
    if other_url is not None:
        key = options["other_key"]
        other_keys = ApiKeys(key, key) if key else keys
        targets.append(_target(other_url, other_keys, app_id, options["other_process_ids"]))
    return targets


def _keys(options: _Options) -> ApiKeys:
    ingest, read = options["ingest_key"], options["read_key"]
    if ingest and read:
        return ApiKeys(ingest, read)
    found = read_keys(options["data_dir"] or default_data_dir())
    return ApiKeys(ingest or found.ingest, read or found.read)


def _database_url(options: _Options) -> str | None:
    """Return the database that was named, or else the one beside the keys that we use."""
    if options["database_url"] or (options["ingest_key"] and options["read_key"]):
        return options["database_url"]
    running = running_addresses(options["data_dir"] or default_data_dir())
    return (running.database_url or None) if running else None


def _redis_url(options: _Options) -> str | None:
    """Return the Redis that was named, or else the one beside the keys that we use."""
    if options["redis_url"] or (options["ingest_key"] and options["read_key"]):
        return options["redis_url"]
    running = running_addresses(options["data_dir"] or default_data_dir())
    return (running.redis_url or None) if running else None


def _target(url: str, keys: ApiKeys, app_id: str, process_ids: Mapping[str, int]) -> Target:
    name, host, port, prefix = parse_url(url)
    return Target(name, host, port, prefix, keys, app_id, "bench", process_ids)


def _plan(options: _Options) -> Plan:
    return Plan(
        recordings=[load_recording(file) for file in options["recordings"] or default_files()],
        seconds=options["seconds"],
        connections=options["connections"],
        sessions=options["sessions"],
        load=options["load"],
        viewers=options["viewers"],
        rate=options["rate"],
        stalled=options["stalled"],
        rounds=options["rounds"],
        cut_timeout=options["cut_timeout"],
        storm=options["storm"],
        idle=options["idle"],
        sealing=options["sealing"],
    )


def _run(
    names: Sequence[str], plan: Plan, targets: Sequence[Target], json_file: Path | None
) -> bool:
    """Print each result as soon as it is there; tell whether all went well."""
    facts = machine_facts(plan.recordings)
    click.echo(facts_text(facts))
    everything: list[Result] = []
    for results in run_benchmarks(names, plan, targets):
        click.echo("\n" + table(results))
        everything += results
        if json_file is not None:
            text = json.dumps(results_json(facts, everything), indent=2, ensure_ascii=False)
            json_file.write_text(text + "\n", encoding="utf-8")
    return not any(result.problems for result in everything)


if __name__ == "__main__":
    main()
