"""What happens to each part of the topology, one after another."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import psycopg2
from redis import RedisError

from tests.deploy.topology import Topology
from tests.faults.service import NotServed

Outage = Callable[[Topology], Awaitable[None]]

_AWAY_SECONDS = 2.0
_START_SECONDS = 60.0
_RETRY_SECONDS = 0.1


async def _kill_process(topology: Topology) -> None:
    process = topology.processes[1]
    await process.kill()
    await asyncio.sleep(_AWAY_SECONDS)
    await _until(process.start)


async def _roll(topology: Topology) -> None:
    """Stop and start one process after the other, as an upgrade does."""
    for process in topology.processes:
        status = await process.stop()
        assert status == 0, f"SIGTERM ended a process with {status}"
        await _until(process.start)


async def _reload_nginx(topology: Topology) -> None:
    await topology.nginx.reload()


async def _kill_nginx(topology: Topology) -> None:
    await topology.nginx.kill()
    await asyncio.sleep(_AWAY_SECONDS)
    await topology.nginx.start()


async def _kill_valkey(topology: Topology) -> None:
    topology.servers.signal_valkey(signal.SIGKILL)
    await topology.servers.leave(_AWAY_SECONDS)
    await _until(lambda: topology.servers.redis("PING"))


async def _kill_postgresql(topology: Topology) -> None:
    topology.servers.signal_postgresql(signal.SIGQUIT)  # as a crash: it has to recover
    await topology.servers.leave(_AWAY_SECONDS)
    await _until(lambda: topology.servers.sql("SELECT 1"))


async def _kill_objects(topology: Topology) -> None:
    program = topology.objects.program
    assert program is not None, "a folder can't be killed"
    await asyncio.to_thread(program.kill)
    await asyncio.sleep(_AWAY_SECONDS)
    await asyncio.to_thread(program.start)


async def _until(answers: Callable[[], Awaitable[object]]) -> None:
    """Return when something that was away answers."""
    async with asyncio.timeout(_START_SECONDS):
        while True:
            with suppress(NotServed, psycopg2.OperationalError, RedisError):
                await answers()
                return
            await asyncio.sleep(_RETRY_SECONDS)


OUTAGES: Mapping[str, Outage] = {
    "process-kill": _kill_process,
    "nginx-kill": _kill_nginx,
    "valkey-kill": _kill_valkey,
    "postgresql-kill": _kill_postgresql,
    "process-roll": _roll,
    "nginx-reload": _reload_nginx,
    "objects-kill": _kill_objects,
}
