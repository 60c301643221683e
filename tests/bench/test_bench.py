"""The benchmark reports what the server has really stored."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from spectraview.storage.database import Database
from tests.api_client import ApiClient
from tests.conftest import ApiFactory

PROJECT = Path(__file__).parents[2]
EVERY_BENCHMARK = {"ingest", "live", "replay identity", "replay gzip", "replay browser"}
RECORDED_EVENTS = 174


async def run_bench(api: ApiClient, report: Path, *options: str) -> tuple[int, str]:
    """Run the benchmark against a server and return its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", *options),
        *("--url", f"tested={api.client.make_url('/')}", "--json", str(report)),
        *("--ingest-key", api.keys["ingest"], "--read-key", api.keys["read"]),
        *("--recordings", "tests/recordings/todo-small.json.gz"),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


def read_results(report: Path) -> dict[str, dict[str, Any]]:
    """Return the results by their benchmarks."""
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    return {result["benchmark"]: result for result in results}


async def test_what_is_reported_is_what_is_stored(
    api: ApiClient, database: Database, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    options = ("--seconds", "1", "--connections", "4", "--sessions", "8", "--viewers", "5")
    status, printed = await run_bench(api, report, *options)
    assert status == 0, printed
    results = read_results(report)
    assert set(results) == EVERY_BENCHMARK
    assert not any(result["problems"] for result in results.values())

    ingest, live = results["ingest"]["figures"], results["live"]["figures"]
    assert ingest["events acknowledged"] > 0
    assert live["delivered"] == live["viewers"] * 20 * 50
    assert live["lost"] == live["doubled"] == live["out of order"] == 0
    stored = await database.fetch_one("SELECT sum(event_count) FROM sessions")
    counts = (ingest["events acknowledged"], live["events posted"], RECORDED_EVENTS)
    assert stored == (sum(counts),)


async def test_a_load_is_kept(api: ApiClient, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ("--seconds", "1", "--load", "500", "--connections", "4", "--sessions", "40")
    status, printed = await run_bench(api, report, "ingest", *options)
    assert status == 0, printed
    figures = read_results(report)["ingest"]["figures"]
    assert 0 < figures["events acknowledged"] <= 1.2 * 500 + 5 * 50


async def test_the_engines_work_is_told(
    api: ApiClient, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    engines = ("--database-url", database_url, "--redis-url", redis_url)
    status, printed = await run_bench(api, report, "ingest", "--seconds", "1", *engines)
    assert status == 0, printed
    figures = read_results(report)["ingest"]["figures"]
    assert figures["WAL bytes/event"] > 50
    assert 0 < figures["Redis scripts/event"] < figures["Redis commands/event"]


async def test_rate_limits_are_named(make_api: ApiFactory, tmp_path: Path) -> None:
    api = await make_api(rate_limit_ingest=5)
    report = tmp_path / "report.json"
    status, printed = await run_bench(api, report, "ingest", "--seconds", "1")
    assert status == 1
    assert "SPECTRAVIEW_RATE_LIMIT_INGEST" in printed
    assert read_results(report)["ingest"]["problems"]


async def test_scrubbing_is_measured_without_a_server(api: ApiClient, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    status, printed = await run_bench(api, report, "scrub", "--seconds", "0.1")
    assert status == 0, printed
    figures = read_results(report)["scrub"]["figures"]
    assert figures["CPU µs/event, all"] > figures["CPU µs/event, no rules"] > 0
