"""When Python looks for garbage: rarely among all that lives, which takes long."""

import asyncio
import ctypes
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

logger = logging.getLogger(__name__)

_YOUNG = 5_000
_MIDDLE = 10
_NEVER = 1_000_000_000
_PAUSE = 30.0
_PAUSES_TO_LOOKS, _PAUSES_WHILE_BUSY = 200, 2_000
"""A full look at the objects of 10,000 connections stops the process for a third of a second. Left
to itself, Python does that whenever a quarter has been added: every few seconds while clients come.
"""
_LONGEST_PAUSE = 600.0
"""Seconds; what a closed connection leaves for a look is half a kilobyte."""
_BUSY = 0.5


@asynccontextmanager
async def rare_collections(loop_busy: Callable[[], float]) -> AsyncIterator[None]:
    """Look at everything at most for a two-hundredth of the time, while the context lasts, and for
    a tenth of that while the event loop takes much of a core, which `loop_busy` tells: what comes
    during a look then waits for seconds, until all before it is done.

    What Python frees by counting references, nearly all, does not wait for it. Young cycles are
    found as ever; what was there before the first client is looked at no more.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    task = asyncio.create_task(_collect(loop_busy), name="garbage")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.set_threshold(*before)
        gc.unfreeze()


async def _collect(loop_busy: Callable[[], float]) -> None:
    looked, seconds = 0.0, 0.0
    while True:
        await asyncio.sleep(_PAUSE)
        begun = time.perf_counter()
        if begun - looked >= pause_after(seconds, loop_busy()):
            found = gc.collect()
            looked, seconds = begun, time.perf_counter() - begun
            logger.debug("looked for garbage for %.3f s and found %s objects", seconds, found)
        await asyncio.to_thread(_give_back)


def pause_after(seconds: float, loop_busy: float) -> float:
    """Return for how many seconds not to look, after a look that took `seconds`."""
    pauses = _PAUSES_WHILE_BUSY if loop_busy > _BUSY else _PAUSES_TO_LOOKS
    return min(seconds * pauses, _LONGEST_PAUSE)


def _give_back() -> None:
    """Give freed memory back to the system: glibc keeps what lies between things that live."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc
        trim(0)
