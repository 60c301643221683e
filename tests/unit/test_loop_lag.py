"""What is measured of the event loop."""

import asyncio

from spectraview.observability.loop_lag import measuring_loop
from spectraview.observability.measures import LoopMeasures


async def test_a_loop_that_works_is_busy() -> None:
    measures = LoopMeasures()
    async with measuring_loop(measures), asyncio.timeout(30):
        while measures.busy < 0.2:
            sum(range(1_000))
            await asyncio.sleep(0)
    assert sum(measures.lag.counts) > 0


async def test_a_loop_that_waits_is_not_busy() -> None:
    measures = LoopMeasures(busy=1.0)
    seen = asyncio.Event()
    async with measuring_loop(measures), asyncio.timeout(30):
        asyncio.get_running_loop().call_later(0.6, seen.set)  # two looks
        await seen.wait()
    assert measures.busy < 1.0
