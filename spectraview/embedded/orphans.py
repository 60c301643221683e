"""Servers that outlived a killed SpectraView."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from spectraview.embedded.account import Account
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.process import STOP_SECONDS, run_program

PROCESSES = Path("/proc")


def stop_orphans(directory: Path, program: str, pid_file: Path, account: Account | None) -> None:
    """Stop every process of the program that works in the directory, then drop its pid file.

    Only the holder of the data folder's lock may call this. Where there is no /proc (macOS)
    nothing happens: the server's own check of its pid file decides.
    """
    if not (PROCESSES / "self").exists():
        return
    deadline = time.monotonic() + STOP_SECONDS
    signalled: set[int] = set()
    while orphans := set(_working_in(directory, program, account)):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"A {program} (process {min(orphans)}) left in {directory} does not stop."
            )
        for process_id, number in _signals(orphans, _read_pid(pid_file)).items():
            if process_id not in signalled:
                signalled.add(process_id)
                with suppress(ProcessLookupError):
                    os.kill(process_id, number)
        time.sleep(0.02)
    # What it names now is gone, a zombie, or an unrelated process that got the same number. Of the
    # latter two PostgreSQL would believe that they are its own, and refuse to start.
    pid_file.unlink(missing_ok=True)


def _signals(orphans: set[int], leader: int | None) -> dict[int, signal.Signals]:
    if leader in orphans:
        return {leader: signal.SIGINT}
    # Its children: they end by themselves, but not before the statement that they are at.
    return dict.fromkeys(orphans, signal.SIGTERM)


def _read_pid(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _working_in(directory: Path, program: str, account: Account | None) -> Iterator[int]:
    for process in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            name = (process / "comm").read_text().strip()
            if name == program and _working_directory(process, account) == str(directory):
                yield int(process.name)


def _working_directory(process: Path, account: Account | None) -> str | None:
    try:
        return os.readlink(process / "cwd")
    except PermissionError:
        if account is None:
            return None
        # Root in a container lacks the capability to look at another user's process.
        return run_program(["readlink", process / "cwd"], account).stdout.strip()
