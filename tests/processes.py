"""Processes as Linux tells of them, and how they are halted."""

import os
import select
import signal
from collections.abc import Iterable
from pathlib import Path


def children_of(pid: int) -> set[int]:
    """Return the children of a process."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def freeze(pid: int) -> list[int]:
    """Halt a process and its children, connections stay open and nothing answers; return whom."""
    os.kill(pid, signal.SIGSTOP)  # first: then it starts no more of them
    frozen = [pid, *children_of(pid)]
    for each in frozen[1:]:
        os.kill(each, signal.SIGSTOP)
    return frozen


def thaw(frozen: Iterable[int]) -> None:
    """Let halted processes go on."""
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)


def wait_for_ends(pids: Iterable[int], seconds: float) -> None:
    """Return when the processes have ended, whoever started them, or each had its seconds."""
    for pid in pids:
        try:
            ended = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        select.select([ended], [], [], seconds)
        os.close(ended)
