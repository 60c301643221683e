"""The metrics of several processes in one folder."""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec

from spectraview.exposition.sharing import SharedMetrics
from spectraview.exposition.snapshot import Snapshot


def reader(batches: int, viewers: int = 0) -> Snapshot:
    """Return what a process says."""
    snapshot = Snapshot()
    snapshot.add("spectraview_batches", batches)
    snapshot.add("spectraview_viewers", viewers)
    return snapshot


def number(snapshot: Snapshot, name: str) -> float:
    """Return a number of a page."""
    return sum(value for found, _, value in snapshot.numbers if found == f"spectraview_{name}")


def files_of(folder: Path) -> list[Path]:
    """Return the files that the processes have written."""
    return list(folder.glob("*.json"))


async def test_the_processes_of_a_folder_are_added_up(tmp_path: Path) -> None:
    one = SharedMetrics(tmp_path, lambda: reader(3, viewers=2))
    two = SharedMetrics(tmp_path, lambda: reader(4, viewers=5))
    async with one.sharing(), two.sharing():
        for asked in (one, two):
            snapshot = await asked.collect()
            assert number(snapshot, "batches") == 7
            assert number(snapshot, "viewers") == 7


async def test_a_truth_is_told_as_a_number(tmp_path: Path) -> None:
    def truth() -> Snapshot:
        snapshot = Snapshot()
        snapshot.add("spectraview_processes", True)
        return snapshot

    one, two = SharedMetrics(tmp_path, truth), SharedMetrics(tmp_path, truth)
    async with one.sharing(), two.sharing():
        assert number(await one.collect(), "processes") == 2


async def test_a_process_that_ends_leaves_its_counts_and_not_its_state(tmp_path: Path) -> None:
    one = SharedMetrics(tmp_path, lambda: reader(3, viewers=2))
    async with one.sharing():
        two = SharedMetrics(tmp_path, lambda: reader(4, viewers=5))
        async with two.sharing():
            pass
        snapshot = await one.collect()
    assert number(snapshot, "batches") == 7
    assert number(snapshot, "viewers") == 2


async def test_the_files_of_many_renewals_become_one(tmp_path: Path) -> None:
    for _ in range(5):
        async with SharedMetrics(tmp_path, lambda: reader(1)).sharing():
            pass
    one = SharedMetrics(tmp_path, lambda: reader(1))
    async with one.sharing():
        assert number(await one.collect(), "batches") == 6
        assert len(files_of(tmp_path)) == 2


async def test_a_process_that_was_killed_keeps_its_last_counts(tmp_path: Path) -> None:
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    (tmp_path / f"{ended.pid}-abcd.json").write_bytes(msgspec.json.encode(reader(9, viewers=9)))
    one = SharedMetrics(tmp_path, lambda: reader(1))
    async with one.sharing():
        snapshot = await one.collect()
    assert number(snapshot, "batches") == 10
    assert number(snapshot, "viewers") == 0


async def test_a_process_that_is_silent_for_long_has_no_state(tmp_path: Path) -> None:
    path = tmp_path / f"{os.getpid()}-abcd.json"
    path.write_bytes(msgspec.json.encode(reader(9, viewers=9)))
    os.utime(path, (time.time() - 60, time.time() - 60))
    one = SharedMetrics(tmp_path, lambda: reader(1))
    assert number(await one.collect(), "viewers") == 0


async def test_a_file_that_is_no_snapshot_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "1-broken.json").write_bytes(b"{")
    one = SharedMetrics(tmp_path, lambda: reader(1))
    assert number(await one.collect(), "batches") == 1
