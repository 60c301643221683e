"""What a network may do to the bytes of a connection."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Protocol

_SLICED_BYTES = 400
_LEAST_SLICE, _LARGEST_SLICE = 200, 3000


class Carrier(Protocol):
    """A connection that bytes go through, as far as the weather knows it."""

    dead: bool
    marked: bool

    async def deliver(self, data: bytes, *, outward: bool) -> None:
        """Hand bytes on: outward is from the client to the server."""

    def reset(self) -> None:
        """Break both sides off at once."""


class Weather:
    """Good weather: every byte arrives."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Take bytes of a link to the other side."""
        await link.deliver(data, outward=outward)

    def end(self) -> None:
        """Let go what is held up."""
        self._over.set()

    async def _pause(self, seconds: float) -> None:
        """Wait so long, but not beyond the end."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            pass


class BlackHole(Weather):
    """Nothing arrives, as if every packet were lost; what was sent arrives when it is over."""

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hold bytes back."""
        await self._over.wait()
        await link.deliver(data, outward=outward)


class Loss(Weather):
    """Nothing arrives any more, also not later: the network has forgotten the connections."""

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Forget the link."""
        link.dead = True


class Delay(Weather):
    """Everything takes its time, never the same."""

    def __init__(self, random: Random, seconds: float) -> None:
        super().__init__()
        self._random = random
        self._seconds = seconds

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand bytes on late."""
        await self._pause(self._random.uniform(0, 2 * self._seconds))
        await link.deliver(data, outward=outward)


class Throttle(Weather):
    """A slow line."""

    def __init__(self, bytes_per_second: int) -> None:
        super().__init__()
        self._rate = bytes_per_second

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand bytes on as fast as the line is."""
        piece = max(1, self._rate // 20)
        for start in range(0, len(data), piece):
            await link.deliver(data[start : start + piece], outward=outward)
            await self._pause(0.05)


class Slices(Weather):
    """Bytes come one by one, and later ones in pieces of any size: no read ends where a message
    does.
    """

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand bytes on in slices."""
        start = 0
        while start < len(data):
            size = 1
            if start >= _SLICED_BYTES:
                size = self._random.randint(_LEAST_SLICE, _LARGEST_SLICE)
            await link.deliver(data[start : start + size], outward=outward)
            await asyncio.sleep(0)
            start += size


class Resets(Weather):
    """Now and then a connection breaks in the middle of a message."""

    def __init__(self, random: Random, probability: float) -> None:
        super().__init__()
        self._random = random
        self._probability = probability

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand bytes on, or some of them before the end."""
        if self._random.random() >= self._probability:
            await link.deliver(data, outward=outward)
            return
        await link.deliver(data[: self._random.randrange(len(data))], outward=outward)
        link.reset()


class LostAnswers(Weather):
    """What is sent arrives, but now and then the connection breaks before the answer."""

    def __init__(self, random: Random, probability: float) -> None:
        super().__init__()
        self._random = random
        self._probability = probability

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand on what goes out; what comes back may be lost."""
        if outward or self._random.random() >= self._probability:
            await link.deliver(data, outward=outward)
        else:
            link.reset()


class Trap(Weather):
    """Good weather until a message with certain bytes passes: then something happens, once."""

    def __init__(self, needle: bytes, spring: Callable[[], None], *, at_answer: bool) -> None:
        super().__init__()
        self.sprung = asyncio.Event()
        self._needle = needle
        self._spring = spring
        self._at_answer = at_answer

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand bytes on, but not the answer that the trap waits for."""
        if outward and self._needle in data:
            link.marked = True
            await link.deliver(data, outward=True)
            if not self._at_answer:
                self._let_go()
        elif not outward and link.marked and self._at_answer and not self.sprung.is_set():
            self._let_go()
        else:
            await link.deliver(data, outward=outward)

    def _let_go(self) -> None:
        if not self.sprung.is_set():
            self.sprung.set()
            self._spring()
