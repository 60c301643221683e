"""What must be gone once the last viewer and publisher have left, and what no log may tell."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.history import Violation
from tests.faults.stage import CONNECTIONS, Stage

_SETTLE_SECONDS = 15.0
_LATER_SOCKETS = 3
"""The connections to Redis that are made when they are needed: two to send, and the one that
listens, if it was not there yet.
"""
_ALARMS = (" ERROR ", "Traceback", "never retrieved", "was destroyed", "Unclosed")
_SHOWN_LINES = 5


async def check_leaks(stage: Stage) -> list[Violation]:
    """Return what is left over after a while."""
    found: list[Violation] = []
    async with asyncio.timeout(60):
        for _ in range(int(_SETTLE_SECONDS)):
            found = await _left_over(stage)
            if not found:
                break
            await asyncio.sleep(1)
    return found


async def _left_over(stage: Stage) -> list[Violation]:
    found = []
    channels = await stage.servers.redis("PUBSUB", "CHANNELS")
    if channels:
        found.append(Violation("no subscription is left over", f"{channels[:_SHOWN_LINES]}"))
    for number, node in enumerate(stage.nodes):
        sockets = node.service.sockets()
        if sockets > node.idle_sockets + _LATER_SOCKETS:
            found.append(Violation("no socket is left over", f"process {number}: {sockets}"))
        found += tasks_that_differ(f"process {number}", node.idle_tasks, await node.service.tasks())
    backends = await stage.servers.sql(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    if backends[0][0] > CONNECTIONS * len(stage.nodes):
        found.append(Violation("no connection is left over", f"{backends[0][0]} to PostgreSQL"))
    return found


def tasks_that_differ(place: str, idle: Counter[str], now: Counter[str]) -> Iterator[Violation]:
    """Yield a violation for tasks that an idle process had not, and one for tasks that it had."""
    for promise, names in (("no task is left over", now - idle), ("no task has died", idle - now)):
        if names:
            yield Violation(promise, f"{place}: {dict(names.most_common(_SHOWN_LINES))}")


def check_logs(logs: Sequence[Path]) -> list[Violation]:
    """Return the alarms in the processes' logs."""
    found = []
    for log in logs:
        lines = log.read_text(errors="replace").splitlines()
        places = [n for n, line in enumerate(lines) if any(alarm in line for alarm in _ALARMS)]
        for place in places[:_SHOWN_LINES]:
            text = " / ".join(lines[place : place + 3])
            found.append(Violation("no log tells of an error", f"{log.name}:{place + 1} {text}"))
    return found
