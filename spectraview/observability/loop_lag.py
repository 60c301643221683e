"""Measures how late the event loop is: four looks a second, which cost nothing that shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spectraview.observability.measures import LoopMeasures

_INTERVAL = 0.25


@asynccontextmanager
async def measuring_loop(measures: LoopMeasures) -> AsyncIterator[None]:
    """Note the event loop's lag while the context lasts."""
    task = asyncio.create_task(_measure(measures), name="loop-lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _measure(measures: LoopMeasures) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due = now() + _INTERVAL
        await asyncio.sleep(_INTERVAL)
        measures.lag.observe(max(0.0, now() - due))
