"""One making of a body for all who want the same at the same time, each at its own pace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable


class _Stream:
    """A body that grows; it is whole, or has failed, once it has ended."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = False
        self.error: Exception | None = None
        self.grown = asyncio.Event()

    async def fill(self, source: AsyncIterator[bytes]) -> None:
        try:
            async for piece in source:
                self.pieces.append(piece)
                self._tell()
        except Exception as error:
            self.error = error
        finally:
            self.ended = True
            self._tell()

    def _tell(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()


class SharedStreams:
    """Makes each body once for all who ask while it is made; it is made to its end, even if all of
    them leave.
    """

    def __init__(self) -> None:
        self._streams: dict[Hashable, _Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._streams

    async def read(
        self, key: Hashable, make: Callable[[], AsyncIterator[bytes]]
    ) -> AsyncIterator[bytes]:
        """Yield the pieces that `make` yields, called once for all that ask meanwhile; raises what
        it raises.
        """
        stream = self._streams.get(key) or self._start(key, make)
        place = 0
        while True:
            grown = stream.grown
            while place < len(stream.pieces):
                yield stream.pieces[place]
                place += 1
            if stream.ended:
                break
            await grown.wait()
        if stream.error is not None:
            raise stream.error

    async def close(self) -> None:
        """Give up what is being made."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: Hashable, make: Callable[[], AsyncIterator[bytes]]) -> _Stream:
        stream = self._streams[key] = _Stream()
        task = asyncio.create_task(stream.fill(make()), name="make-replay")
        self._tasks.add(task)

        def forget(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            self._streams.pop(key, None)

        task.add_done_callback(forget)
        return stream
