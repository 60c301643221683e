"""What a server and this machine use while a load runs: CPU, memory, storage."""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
import redis

from bench.capacity_server import Server
from bench.crowds_memory import MemoryWatch
from bench.discovery import APP, find_roots, processes_with_us
from bench.figures import Figure, cpu_figures
from bench.processes import BENCHMARK, PROC, ProcessGroups

_SIZE = "SELECT pg_database_size(current_database())"
_LATE = "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL AND sealed_at IS NULL"


@dataclass(frozen=True, slots=True)
class _Moment:
    seconds: float
    cpu: Mapping[str, float]
    machine_busy: float
    machine_stolen: float


class Gauges:
    """Reads the CPU of all that takes part, from when the server had nothing to do."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._groups = groups_of(server)
        self.memory_before = self._groups.memory_bytes()
        self.stored_before = stored_bytes(server)
        self._from = self._to = self._read()

    def watch_memory(self) -> MemoryWatch:
        """Return what looks for the app's largest memory."""
        return MemoryWatch(self._groups)

    def begin(self) -> None:
        """The measured time begins."""
        self._from = self._read()

    def end(self) -> None:
        """The measured time ends."""
        self._to = self._read()

    def cpu_figures(self, events: int) -> list[Figure]:
        """Return how many cores each part kept busy, and how many others did."""
        passed = self._to.seconds - self._from.seconds
        used = {n: (self._to.cpu[n] - self._from.cpu[n]) for n in self._to.cpu}
        busy = self._to.machine_busy - self._from.machine_busy
        stolen = self._to.machine_stolen - self._from.machine_stolen
        server = sum(seconds for name, seconds in used.items() if name != BENCHMARK)
        return [
            *(Figure(f"{_name(n)} CPU cores", seconds / passed) for n, seconds in used.items()),
            Figure("other work's CPU cores", max(0.0, busy - sum(used.values())) / passed),
            Figure("stolen CPU cores", stolen / passed),
            Figure("server CPU µs/event", server * 1e6 / max(events, 1)),
            Figure("load average", os.getloadavg()[0]),
        ]

    def event_figures(self, events: int) -> list[Figure]:
        """Return the CPU for each event."""
        return cpu_figures(self._from.cpu, self._to.cpu, events, "event")

    def memory_figures(self, peak: int | None, sessions: int) -> list[Figure]:
        """Return the memory of the app, and what of it each session takes."""
        if peak is None:  # where there is no /proc
            return []
        before = self.memory_before[APP]
        return [
            Figure("app MB before", before / 1e6),
            Figure("app MB at most", peak / 1e6),
            Figure("app KB/session", (peak - before) / sessions / 1e3),
            *_redis_figures(self._server.redis_url),
        ]

    def storage_figures(self, batches: int) -> list[Figure]:
        """Return how much the database has grown."""
        after = stored_bytes(self._server)
        if self.stored_before is None or after is None:
            return []
        grown = after - self.stored_before
        return [
            Figure("database grown by MB", grown / 1e6),
            Figure("database KB/batch", grown / max(batches, 1) / 1e3),
            Figure("ended, not sealed yet", query_number(self._server.target.database_url, _LATE)),
        ]

    def _read(self) -> _Moment:
        busy, stolen = _machine_seconds()
        return _Moment(time.perf_counter(), self._groups.cpu_seconds(), busy, stolen)


def groups_of(server: Server) -> ProcessGroups:
    """Return the processes of a server and its stores."""
    roots = find_roots(server.port) if server.target.is_local() else {}
    nginx = {} if server.nginx_pid is None else {"nginx": frozenset({server.nginx_pid})}
    return processes_with_us(roots | nginx)


def stored_bytes(server: Server) -> int | None:
    """Return the size of the database on disk; None if it is not known."""
    return query_number(server.target.database_url, _SIZE)


def query_number(database_url: str | None, query: str) -> int | None:
    """Return the number that a query finds; None if the database is not known."""
    if database_url is None:
        return None
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        (number,) = cursor.fetchone() or (0,)
        return int(number)


def _redis_figures(url: str | None) -> list[Figure]:
    if url is None:
        return []
    told = _redis_info(url)
    return [
        Figure("Redis MB", told["used_memory"] / 1e6),
        Figure("Redis keys evicted", told["evicted_keys"]),
    ]


def redis_bytes(url: str | None) -> int:
    """Return what Redis holds in memory."""
    return 0 if url is None else int(_redis_info(url)["used_memory"])


def _redis_info(url: str) -> dict[str, Any]:
    with redis.Redis.from_url(url) as client:
        told = client.info()
    assert isinstance(told, dict)
    return told


def _machine_seconds() -> tuple[float, float]:
    """Return how long all cores together have been at work, and were taken away by the host."""
    try:
        line = (PROC / "stat").read_text().partition("\n")[0]
    except OSError:
        return 0.0, 0.0
    user, nice, system, _, _, interrupts, soft, stolen = map(int, line.split()[1:9])
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupts + soft) / ticks, stolen / ticks


def _name(group: str) -> str:
    return "generator" if group == BENCHMARK else group
