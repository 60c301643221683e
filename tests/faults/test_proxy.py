"""The fault proxy does to connections what it says."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.faults.proxy import FaultProxy
from tests.faults.weather import (
    BlackHole,
    Delay,
    Loss,
    LostAnswers,
    Resets,
    Slices,
    Throttle,
    Trap,
    Weather,
)

SENT = bytes(range(256)) * 20


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """A proxy before a server that answers with what it gets."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


async def echoed(proxy: FaultProxy, data: bytes = SENT) -> bytes:
    """Send bytes through the proxy and return what comes back; raises ConnectionError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(data)
    try:
        return await reader.readexactly(len(data))
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError from error
    finally:
        writer.close()


@pytest.mark.parametrize(
    "weather", [Weather(), Delay(Random(1), 0.001), Throttle(200_000), Slices(Random(1))]
)
async def test_slow_lines_lose_nothing(proxy: FaultProxy, weather: Weather) -> None:
    proxy.change(weather)
    assert await echoed(proxy) == SENT


async def test_a_black_hole_holds_bytes_until_it_is_over(proxy: FaultProxy) -> None:
    proxy.change(BlackHole())
    waiting = asyncio.create_task(echoed(proxy))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    await proxy.heal()
    assert await waiting == SENT


async def test_lost_connections_stay_silent_and_new_ones_work(proxy: FaultProxy) -> None:
    proxy.change(Loss())
    waiting = asyncio.create_task(echoed(proxy))
    await asyncio.wait([waiting], timeout=0.1)
    await proxy.heal()
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    assert await echoed(proxy) == SENT
    waiting.cancel()


@pytest.mark.parametrize("weather", [Resets(Random(1), 1.0), LostAnswers(Random(1), 1.0)])
async def test_breaking_lines_break(proxy: FaultProxy, weather: Weather) -> None:
    proxy.change(weather)
    with pytest.raises(ConnectionError):
        await echoed(proxy)


async def test_a_refusing_proxy_takes_no_one_until_it_heals(proxy: FaultProxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await echoed(proxy)
    await proxy.heal()
    assert await echoed(proxy) == SENT


@pytest.mark.parametrize("at_answer", [True, False])
async def test_a_trap_springs_once_at_its_bytes(proxy: FaultProxy, at_answer: bool) -> None:
    springs: list[int] = []
    proxy.change(Trap(b"needle", lambda: springs.append(1), at_answer=at_answer))
    assert await echoed(proxy) == SENT
    waiting = asyncio.create_task(echoed(proxy, b"a needle here"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert springs == [1]
    assert bool(done) is not at_answer
    waiting.cancel()
