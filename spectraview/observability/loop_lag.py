"""Measures how late and how busy the event loop is: four looks a second, which cost nothing that
shows.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.observability.measures import LoopMeasures

_INTERVAL = 0.25
_AVERAGED = 8
"""Looks over which the CPU is averaged: two seconds."""


@asynccontextmanager
async def measuring_loop(measures: LoopMeasures) -> AsyncIterator[None]:
    """Note the event loop's lag and CPU while the context lasts."""
    task = asyncio.create_task(_measure(measures), name="loop-lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _measure(measures: LoopMeasures) -> None:
    now = asyncio.get_running_loop().time
    while True:
        began, used = now(), time.thread_time()
        await asyncio.sleep(_INTERVAL)
        ended = now()
        measures.lag.observe(max(0.0, ended - began - _INTERVAL))
        busy = (time.thread_time() - used) / (ended - began)
        measures.busy += (busy - measures.busy) / _AVERAGED
