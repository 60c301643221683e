"""CPU and memory of process trees, from /proc."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

PROC = Path("/proc")
BENCHMARK = "benchmark"
"""The group of our own processes."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process, with the CPU that it and its finished children have used."""

    parent_id: int
    name: str
    cpu_seconds: float


def read_processes() -> dict[int, Process]:
    """Return all processes of this machine by their ids; none where there is no /proc."""
    found = {}
    ticks = os.sysconf("SC_CLK_TCK")
    for folder in PROC.glob("[0-9]*"):
        try:
            before, _, after = (folder / "stat").read_text(errors="replace").rpartition(")")
        except OSError:  # gone meanwhile
            continue
        fields = after.split()
        used = sum(map(int, fields[11:15])) / ticks
        found[int(folder.name)] = Process(int(fields[1]), before.partition("(")[2], used)
    return found


def tree_of(
    processes: Mapping[int, Process], roots: Iterable[int], cut: Iterable[int] = ()
) -> set[int]:
    """Return the roots and all that descends from them, without what descends from `cut`."""
    children: dict[int, list[int]] = {}
    for process_id, process in processes.items():
        children.setdefault(process.parent_id, []).append(process_id)
    found: set[int] = set()
    waiting = list(roots)
    excluded = set(cut)
    while waiting:
        process_id = waiting.pop()
        if process_id in processes and process_id not in found | excluded:
            found.add(process_id)
            waiting += children.get(process_id, [])
    return found


class ProcessGroups:
    """Named process trees; one that lies inside another is not counted with it."""

    def __init__(self, roots: Mapping[str, frozenset[int]]) -> None:
        self._roots = roots

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU that each group has used so far. Raises BenchError when one has ended."""
        processes = read_processes()
        return {
            name: sum(processes[member].cpu_seconds for member in self._members(name, processes))
            for name in self._roots
        }

    def memory_bytes(self) -> dict[str, int]:
        """Return each group's resident memory; what processes share counts for each of them."""
        processes = read_processes()
        return {
            name: sum(map(_resident_bytes, self._members(name, processes))) for name in self._roots
        }

    def _members(self, name: str, processes: Mapping[int, Process]) -> set[int]:
        others = frozenset().union(*self._roots.values()) - self._roots[name]
        members = tree_of(processes, self._roots[name], others)
        if not members:
            raise BenchError(f"No process of {name} runs any more")
        return members


def _resident_bytes(process_id: int) -> int:
    try:
        pages = int((PROC / str(process_id) / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
