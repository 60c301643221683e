"""Calls that are shared by all who ask at the same moment."""

import asyncio
import gc
from typing import Any

import pytest

from spectraview.storage.shared import SharedCalls


async def test_all_who_ask_meanwhile_get_what_one_call_returns() -> None:
    calls: SharedCalls[int] = SharedCalls("test")
    made: list[int] = []

    async def call() -> int:
        made.append(1)
        await asyncio.sleep(0.01)
        return 5

    assert await asyncio.gather(*(calls.get("key", call) for _ in range(3))) == [5, 5, 5]
    assert made == [1]


async def test_a_failure_that_all_have_left_is_not_reported() -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
    calls: SharedCalls[int] = SharedCalls("test")
    fail = asyncio.Event()

    async def call() -> int:
        await fail.wait()
        raise ValueError

    asking = asyncio.create_task(calls.get("key", call))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    fail.set()
    await asyncio.sleep(0.01)
    gc.collect()
    assert not reports
