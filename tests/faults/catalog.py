"""The faults by name."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random

import psycopg2

from tests.faults.proxy import FaultProxy
from tests.faults.service import NotServed
from tests.faults.stage import COMMIT_SECONDS, Node, Stage
from tests.faults.weather import (
    BlackHole,
    Delay,
    Loss,
    LostAnswers,
    Resets,
    Slices,
    Throttle,
    Trap,
    Weather,
)

Fault = Callable[[Stage, Random], Awaitable[None]]

_SECONDS = 2.5
_LONG_SECONDS = COMMIT_SECONDS + 3
_TRAP_SECONDS = 5.0
_START_SECONDS = 60.0
_APPEND = b"WITH incoming AS"
_SEAL = b"INSERT INTO session_segments"
_PUBLISH = b"PUBLISH"


async def _bad_weather(
    line: str, make: Callable[[Random], Weather], stage: Stage, random: Random
) -> None:
    """Let the same happen on a line of some processes."""
    lines = [node.lines[line] for node in _some(stage, random)]
    for proxy in lines:
        proxy.change(make(random))
        if isinstance(proxy.weather, Loss):
            proxy.lose_connections()
    await asyncio.sleep(_SECONDS)
    for proxy in lines:
        await proxy.heal()


async def _cut(line: str, seconds: float, stage: Stage, random: Random) -> None:
    """Break a line of some processes off."""
    lines: Sequence[FaultProxy] = [node.lines[line] for node in _some(stage, random)]
    for proxy in lines:
        proxy.refuse()
    await asyncio.sleep(seconds)
    for proxy in lines:
        await proxy.heal()


async def _hold(line: str, seconds: float, stage: Stage, _: Random) -> None:
    """Hold up a line of every process."""
    for node in stage.nodes:
        node.lines[line].change(BlackHole())
    await asyncio.sleep(seconds)
    await stage.heal()


async def _kill(stage: Stage, random: Random) -> None:
    for node in _some(stage, random):
        await node.service.kill()
    await _start_missing(stage)


async def _freeze(stage: Stage, random: Random) -> None:
    node = random.choice(stage.nodes)
    node.service.send_signal(signal.SIGSTOP)
    await asyncio.sleep(_SECONDS)
    node.service.send_signal(signal.SIGCONT)


async def _roll(stage: Stage, _: Random) -> None:
    """Stop and start one process after the other, as a deploy does."""
    for node in stage.nodes:
        status = await node.service.stop()
        assert status == 0, f"SIGTERM ended a process with {status}"
        await _start(node)


async def _kill_at(
    line: str, needle: bytes, stage: Stage, random: Random, *, at_answer: bool
) -> None:
    """Kill a process at the moment at which certain bytes pass."""
    node = random.choice(stage.nodes)
    trap = Trap(needle, partial(node.service.send_signal, signal.SIGKILL), at_answer=at_answer)
    node.lines[line].change(trap)
    with suppress(TimeoutError):  # nothing passes when no publisher is at it: then just kill it
        async with asyncio.timeout(_TRAP_SECONDS):
            await trap.sprung.wait()
    await node.service.kill()
    await node.heal()
    await _start(node)


async def _kill_at_lock(stage: Stage, random: Random) -> None:
    """Kill a process while its statement waits for a lock, so that nobody waits for its end."""
    node = random.choice(stage.nodes)
    connection = psycopg2.connect(stage.servers.database_url)
    with connection.cursor() as cursor:
        await asyncio.to_thread(cursor.execute, "SELECT 1 FROM sessions FOR UPDATE")
        await asyncio.sleep(0.5)
        await node.service.kill()
    connection.close()
    await _start(node)


async def _signal_postgresql(stage: Stage, _: Random) -> None:
    stage.servers.signal_postgresql(signal.SIGQUIT)
    await asyncio.sleep(_SECONDS)


async def _terminate(stage: Stage, _: Random) -> None:
    for _round in range(3):
        await stage.servers.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.7)


async def _kill_valkey(stage: Stage, _: Random) -> None:
    stage.servers.signal_valkey(signal.SIGKILL)
    await asyncio.sleep(_SECONDS)


async def _often(command: Sequence[str], stage: Stage, _: Random) -> None:
    for _round in range(8):
        await stage.servers.redis(*command)
        await asyncio.sleep(0.3)


async def _configure(name: str, bad: str, good: str, stage: Stage, _: Random) -> None:
    await stage.servers.redis("CONFIG", "SET", name, bad)
    await asyncio.sleep(_SECONDS)
    await stage.servers.redis("CONFIG", "SET", name, good)


def _some(stage: Stage, random: Random) -> Sequence[Node]:
    return random.sample(list(stage.nodes), random.randint(1, len(stage.nodes)))


async def _start(node: Node) -> None:
    """Start a process, as often as its servers are away when it starts."""
    async with asyncio.timeout(_START_SECONDS):
        while True:
            with suppress(NotServed):
                await node.service.start()
                return
            await asyncio.sleep(0.2)


async def _start_missing(stage: Stage) -> None:
    for node in stage.nodes:
        if not node.service.running:
            await _start(node)


_WEATHERS: Mapping[str, Callable[[Random], Weather]] = {
    "blackhole": lambda random: BlackHole(),
    "loss": lambda random: Loss(),
    "delay": lambda random: Delay(random, 0.1),
    "throttle": lambda random: Throttle(100_000),
    "slices": Slices,
    "resets": lambda random: Resets(random, 0.05),
    "lost-answers": lambda random: LostAnswers(random, 0.05),
}
_LINES = ("viewers", "publishers", "database", "cache")
_SPARED = frozenset(
    {
        "publishers-loss",  # a request whose connection is forgotten can't be answered
        "viewers-lost-answers",  # the same as resets: viewers send nothing
    }
)

FAULTS: Mapping[str, Fault] = {
    **{
        f"{line}-{name}": partial(_bad_weather, line, make)
        for line in _LINES
        for name, make in _WEATHERS.items()
        if f"{line}-{name}" not in _SPARED
    },
    **{f"{line}-cut": partial(_cut, line, 2.0) for line in _LINES},
    "database-away": partial(_cut, "database", _LONG_SECONDS),
    "database-held": partial(_hold, "database", _LONG_SECONDS),
    "process-kill": _kill,
    "process-freeze": _freeze,
    "process-roll": _roll,
    "kill-at-lock": _kill_at_lock,
    "kill-at-commit": partial(_kill_at, "database", _APPEND, at_answer=True),
    "kill-before-seal": partial(_kill_at, "database", _SEAL, at_answer=False),
    "kill-at-seal": partial(_kill_at, "database", _SEAL, at_answer=True),
    "kill-at-publish": partial(_kill_at, "cache", _PUBLISH, at_answer=False),
    "kill-at-ack": partial(_kill_at, "cache", _PUBLISH, at_answer=True),
    "postgresql-stop": _signal_postgresql,
    "postgresql-terminate": _terminate,
    "valkey-kill": _kill_valkey,
    "valkey-flushall": partial(_often, ("FLUSHALL",)),
    "valkey-kill-pubsub": partial(_often, ("CLIENT", "KILL", "TYPE", "pubsub")),
    "valkey-kill-normal": partial(_often, ("CLIENT", "KILL", "TYPE", "normal")),
    "valkey-small-buffers": partial(
        _configure,
        "client-output-buffer-limit",
        "pubsub 4096 2048 1",
        "pubsub 33554432 8388608 60",
    ),
    "valkey-eviction": partial(_configure, "maxmemory", "1500000", "268435456"),
    "valkey-full": partial(_configure, "maxmemory", "1", "268435456"),
}


def may_coincide(one: str, other: str) -> bool:
    """Tell whether two faults can go on at the same time: not if both stop the same thing."""
    return one.partition("-")[0] != other.partition("-")[0] and not {one, other} <= _STOPPING


_STOPPING = frozenset(name for name in FAULTS if name.startswith(("process-", "kill-")))
