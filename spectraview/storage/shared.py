"""One call for all who ask for the same thing at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SharedCalls(Generic[Value]):
    """Joins callers of the same key to the call that is under way; remembers nothing after it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: dict[Hashable, asyncio.Task[Value]] = {}

    async def get(self, key: Hashable, call: Callable[[], Awaitable[Value]]) -> Value:
        """Return (or raise) what `call` does, called once for all that ask meanwhile."""
        running = self._calls.get(key)
        if running is None:
            running = asyncio.create_task(_run(call), name=self._name)
            self._calls[key] = running
            running.add_done_callback(lambda _: self._calls.pop(key, None))
        return await asyncio.shield(running)


async def _run(call: Callable[[], Awaitable[Value]]) -> Value:
    return await call()
