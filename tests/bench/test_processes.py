"""The benchmark finds a server's processes, and counts each of them once."""

from pathlib import Path

import pytest

from bench.discovery import find_processes
from bench.processes import Process, tree_of
from bench.target import ApiKeys, Target
from tests.api_client import ApiClient

on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
TREE = {
    1: Process(0, "init", 1.0),
    10: Process(1, "app", 1.0),
    11: Process(10, "postgres", 1.0),
    12: Process(11, "postgres", 1.0),
    13: Process(10, "worker", 1.0),
}


def test_a_tree_is_all_that_descends_from_its_roots() -> None:
    assert tree_of(TREE, [10]) == {10, 11, 12, 13}
    assert tree_of(TREE, [10, 12]) == {10, 11, 12, 13}
    assert tree_of(TREE, [99]) == set()


def test_what_is_counted_elsewhere_is_cut_off() -> None:
    assert tree_of(TREE, [10], [11]) == {10, 13}
    assert tree_of(TREE, [11], [10]) == {11, 12}


@on_linux
async def test_app_and_stores_are_found(api: ApiClient) -> None:
    await api.get("/api/sessions")  # the stores are found by connections
    url = api.client.make_url("/")
    assert url.host
    assert url.port
    target = Target("tested", url.host, url.port, "", ApiKeys("", ""), "app", "user", {})
    groups = find_processes(target)
    assert set(groups.cpu_seconds()) == {"app", "PostgreSQL", "Redis", "benchmark"}
    assert groups.memory_bytes()["app"] > 1_000_000
