"""The capacity report goes up its ladders and tells what the server has really taken."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bench.capacity_curves import draw_curves
from bench.capacity_document import with_tables
from bench.capacity_report import read_report
from tests.api_client import ApiClient

PROJECT = Path(__file__).parents[2]
RECORDING = "tests/recordings/gentelella-medium.json.gz"


async def run_capacity(report: Path, *options: str) -> str:
    """Run the capacity report and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.capacity", *options),
        *("--recordings", RECORDING, "--json", str(report)),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def run_against(api: ApiClient, folder: Path, *options: str) -> dict[str, list[Any]]:
    """Go up ladders against a server that runs; return their steps."""
    (folder / "keys.json").write_text(json.dumps(dict(api.keys)))
    url = str(api.client.make_url("/"))
    where = ("--url", url, "--data-dir", str(folder))
    await run_capacity(folder / "report.json", *where, *options)
    return {name: ladder["steps"] for name, ladder in read_report(folder / "report.json").items()}


async def test_ladders_tell_what_was_planned_and_taken(api: ApiClient, tmp_path: Path) -> None:
    small = ("--sessions", "20", "--events", "1000", "--viewers", "20", "--past-limit")
    times = ("--interval", "1", "--live-interval", "0.5", "--warm-up", "0.2", "--seconds", "1")
    ladders = await run_against(api, tmp_path, "sessions", "events", "viewers", *small, *times)

    planned = [step["figures"]["batches answered 200"] for step in ladders["sessions"]]
    assert planned == [20]
    (events,) = ladders["events"]
    assert events["figures"]["batches answered 200"] == 20
    for step in (*ladders["sessions"], events):
        figures = step["figures"]
        assert figures["events stored"] == figures["events acknowledged"] > 0
        assert 0 < figures["p50 ms"] <= figures["p95 ms"] <= figures["p99 ms"]
    (viewers,) = ladders["viewers"]
    assert viewers["figures"]["deliveries/s"] == 20 * 50 / 0.5
    assert viewers["figures"]["to the viewer p50 ms"] > 0
    late = "the generator was late"  # a busy machine may be
    assert not [
        p for steps in ladders.values() for s in steps for p in s["problems"] if late not in p
    ]


async def test_storage_is_measured_on_a_server_of_its_own(tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    await run_capacity(report_file, "storage", "--storage", "20")
    report = read_report(report_file)
    (step,) = report["storage"]["steps"]
    figures = step["figures"]
    live, sealed = figures["database MB, live"], figures["database MB, sealed"]
    assert live is not None
    assert sealed is not None
    assert 0 < sealed < live < (figures["JSON MB"] or 0)

    (picture,) = draw_curves(report, tmp_path)
    assert "database, sealed" in picture.read_text(encoding="utf-8")
    text = with_tables("# Here\n<!-- storage -->\nold\n<!-- end -->\nthere\n", report)
    assert "old" not in text
    assert f"(images/{picture.name})" in text
    assert text.endswith("<!-- end -->\nthere\n")
