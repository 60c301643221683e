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
            running.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(running)

    def _forget(self, key: Hashable, done: asyncio.Task[Value]) -> None:
        self._calls.pop(key, None)
        if not done.cancelled():
            done.exception()  # mark it as seen: all who asked may have left


async def _run(call: Callable[[], Awaitable[Value]]) -> Value:
    return await call()
