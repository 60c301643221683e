"""Whatever bytes come over a connection: no fault of the server's, and nothing is left of them."""

import asyncio
import logging
import os
import random
import re
from collections.abc import Callable
from enum import Enum, auto

import pytest

from spectraview.keys import ADMISSION, HUB, INGEST_SOCKETS
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.security.raw_fuzz import SESSION, good_ones, mutated, parts_of
from tests.security.test_connections import server_of

EXAMPLES = int(os.environ.get("RAW_EXAMPLES", "400"))
SEED = int(os.environ.get("RAW_SEED", "1"))
AT_ONCE = 20
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
HURRIED = {
    **{"head_timeout": 1.0, "body_timeout": 1.0, "keepalive_timeout": 1.0, "answer_timeout": 1.0},
    "stall_timeout": 1.0,
}


class Manners(Enum):
    """What a client does after its last byte."""

    LEAVES = auto()
    ENDS = auto()  # its half, at once: an answer that takes a while is lost
    WAITS = auto()  # for an answer, then ends its half


async def send(port: int, parts: list[bytes], manners: Manners) -> bytes:
    """Send parts over a connection of their own; return what comes back within a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()
    try:
        async with asyncio.timeout(5):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            if manners is Manners.LEAVES:
                return b""
            if manners is Manners.WAITS:
                while not statuses(received) and (part := await reader.read(65_536)):
                    received += part
            writer.write_eof()
            while part := await reader.read(65_536):
                received += part
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()
    return bytes(received)


def statuses(came: bytes | bytearray) -> list[int]:
    """Return the statuses of the answers in what came, without `100 Continue`."""
    return [int(status) for status in STATUS.findall(came) if status != b"100"]


def left_behind(api: ApiClient) -> dict[str, int]:
    """Return what a connection takes of the process."""
    app = api.client.app
    assert app is not None
    return {
        "connections": len(server_of(api).connections),
        "bytes": app[ADMISSION].bytes_in_flight,
        "viewers": app[HUB].connection_count,
        "sockets": len(app[INGEST_SOCKETS]),
        "files": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
        "tasks": len(asyncio.all_tasks()),
    }


async def settles(api: ApiClient, fits: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """Return what is left when it fits, or after some seconds."""
    left = left_behind(api)
    for _ in range(200):
        if fits(left):
            break
        await asyncio.sleep(0.1)
        left = left_behind(api)
    return left


@pytest.mark.timeout(0 if EXAMPLES > 1000 else 120)
async def test_bytes_of_every_shape_leave_nothing_behind(
    make_api: ApiFactory, caplog: pytest.LogCaptureFixture
) -> None:
    api = await make_api(**HURRIED)
    server_of(api).handler_cancellation = False  # as it is served; aiohttp's tests cancel
    port = api.client.port
    assert port is not None
    good, choice = good_ones(), random.Random(SEED)

    async def one() -> None:
        data = mutated(choice, good)
        manners = choice.choices(list(Manners), (1, 4, 5))[0]
        came = await send(port, parts_of(choice, data), manners)
        faults = {status for status in statuses(came) if status >= 500 and status != 503}
        assert not faults, (SEED, data)

    async def worker(count: int) -> None:
        for _ in range(count):
            await one()

    whole = [statuses(await send(port, [data], Manners.WAITS))[0] for data in good]
    assert whole == [200, 200, 200, 200, 304, 200, 200, 200, 200, 204, 101, 101, 101]
    await worker(AT_ONCE)  # what is opened once and kept
    before = await settles(api, lambda left: left["connections"] <= 1)
    await asyncio.gather(*(worker(EXAMPLES // AT_ONCE) for _ in range(AT_ONCE)))
    after = await settles(api, lambda left: all(left[n] <= before[n] + 2 for n in before))
    for name, count in after.items():
        assert count <= before[name] + 2, (SEED, name, before, after)
    assert (await api.get("/health/live", key=None)).status == 200
    assert (await api.get(f"/api/sessions/{SESSION}")).status in (200, 404, 410)
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert not errors, (SEED, errors[:3])
