"""`spectraview`, run so that it tells on SIGUSR1 which tasks it has: `python -m
tests.faults.watched_service FILE serve ...` writes their names to the file.
"""

import asyncio
import signal
import sys
from pathlib import Path

from spectraview.__main__ import run


def _tell_tasks_on_signal(file: Path) -> None:
    """Write the names of all tasks, one a line, whenever the signal comes.

    Python runs the handler in the main thread, within the event loop that runs there.
    """

    def tell(_signal: int, _frame: object) -> None:
        names = [_name(task) for task in asyncio.all_tasks()]
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text("".join(f"{name}\n" for name in sorted(names)))
        unfinished.replace(file)

    signal.signal(signal.SIGUSR1, tell)


def _name(task: asyncio.Task[object]) -> str:
    """Return a task's name, or its coroutine's if nobody named it."""
    name = task.get_name()
    return getattr(task.get_coro(), "__qualname__", name) if name.startswith("Task-") else name


if __name__ == "__main__":
    _tell_tasks_on_signal(Path(sys.argv.pop(1)))
    sys.argv[0] = "spectraview"
    run()
