"""Whatever happens between the processes, a viewer gets each event once and in order."""

import asyncio
import select
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import ujson
from redis.asyncio import Redis

from spectraview.embedded import EmbeddedServers
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import Event

ROUNDS = 30


def event(number: int, padding: str = "") -> Event:
    """Return a made-up event that carries its number."""
    return {"type": 3, "data": {"number": number, "padding": padding}, "timestamp": number}


async def send_rounds(api: ApiClient, session_id: UUID, rounds: range) -> list[Event]:
    """Send a batch of two events a round, and return all events."""
    batches = [[event(2 * number), event(2 * number + 1)] for number in rounds]
    for batch in batches:
        await api.send(session_id, batch)
    return [event for batch in batches for event in batch]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the test's Valkey."""
    async with Redis.from_url(redis_url) as client:
        yield client


async def command(redis: Redis, *words: str) -> None:
    """Run a command of Redis."""
    await redis.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "fault",
    [("CLIENT", "KILL", "TYPE", "pubsub"), ("CLIENT", "KILL", "TYPE", "normal"), ("FLUSHALL",)],
    ids=" ".join,
)
async def test_a_fault_of_redis_costs_a_viewer_nothing(
    make_api: ApiFactory, redis: Redis, fault: tuple[str, ...]
) -> None:
    ingesting, watching = await make_api(), await make_api()
    session_id = await ingesting.start()
    async with watching.watch(session_id) as viewer:
        sent: list[Event] = []
        for start in range(0, ROUNDS, 10):
            await command(redis, *fault)
            sent += await send_rounds(ingesting, session_id, range(start, start + 10))
        await ingesting.end(session_id)
        assert await viewer.rest() == sent
        assert viewer.close_code == 1000


async def test_messages_lost_on_the_way_are_read_from_the_store(
    make_api: ApiFactory, redis: Redis
) -> None:
    ingesting, watching = await make_api(), await make_api()
    session_id = await ingesting.start()
    async with watching.watch(session_id) as viewer:
        sent = await send_rounds(ingesting, session_id, range(5))
        assert await viewer.take(10) == sent
        # Any other message on the channel is no gap, and an unreadable one no harm.
        await redis.publish(f"live:{{{session_id}}}", b"\x93\xa5other")
        await command(redis, "CLIENT", "KILL", "TYPE", "pubsub")
        sent += await send_rounds(ingesting, session_id, range(5, 10))
        assert await viewer.take(10) == sent[10:]


@pytest.fixture
def own_valkey() -> Iterator[tuple[EmbeddedServers, str]]:
    """A Valkey that the test may stop, and its address."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-valkey-", dir="/tmp"))
    folder.chmod(0o755)
    servers = EmbeddedServers(folder, database=False)
    try:
        yield servers, servers.start().redis_url
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_without_redis_everything_goes_on(
    make_api: ApiFactory, own_valkey: tuple[EmbeddedServers, str]
) -> None:
    servers, redis_url = own_valkey
    ingesting = await make_api(redis_url=redis_url)
    watching = await make_api(redis_url=redis_url)
    session_id = await ingesting.start()
    async with watching.watch(session_id) as viewer:
        sent = await send_rounds(ingesting, session_id, range(5))
        servers.stop()
        sent += await send_rounds(ingesting, session_id, range(5, 10))
        async with watching.watch(session_id, start="start") as late:
            await ingesting.end(session_id)
            assert await viewer.rest() == sent
            assert await late.rest() == sent
    assert (await watching.replay(session_id))["events"] == sent


async def test_an_app_that_starts_without_redis_uses_it_once_it_is_there(
    make_api: ApiFactory, own_valkey: tuple[EmbeddedServers, str]
) -> None:
    _, redis_url = own_valkey
    async with Redis.from_url(redis_url) as client:
        await client.config_set("maxclients", 1)  # whoever comes is refused
        api = await make_api(redis_url=redis_url)
        session_id = await api.start()
        async with api.watch(session_id) as viewer:
            sent = await send_rounds(api, session_id, range(3))
            assert await viewer.take(6) == sent
            await client.config_set("maxclients", 100)
            sent = await send_rounds(api, session_id, range(3, 6))
            assert await viewer.take(6) == sent


class StalledViewer:
    """A viewer that subscribes and then reads nothing."""

    def __init__(self, api: ApiClient, session_id: UUID) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._address = ("127.0.0.1", api.client.port)
        self._request = (
            f"GET /api/sessions/{session_id}/live?apiKey={api.keys['read']} HTTP/1.1\r\n"
            "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        message = ujson.dumps({"type": "subscribe", "sessionId": str(session_id)}).encode()
        self._subscribe = bytes((0x81, 0x80 | len(message), 0, 0, 0, 0)) + message

    async def __aenter__(self) -> "StalledViewer":
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, self._request.encode())
        assert b" 101 " in await loop.sock_recv(self._socket, 1024)
        await loop.sock_sendall(self._socket, self._subscribe)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def begin(self) -> bytes:
        """Read the first bytes of the stream."""
        return await asyncio.get_running_loop().sock_recv(self._socket, 4096)

    async def was_cut(self) -> bool:
        """Wait, without reading, for the connection to be reset."""
        poller = select.poll()
        poller.register(self._socket, 0)  # errors are always told
        return bool(await asyncio.to_thread(poller.poll, 20_000))

    async def read_through(self, last: bytes) -> bytes:
        """Read until these bytes come."""
        loop = asyncio.get_running_loop()
        received = bytearray()
        async with asyncio.timeout(20):
            while not received.endswith(last):
                received += await loop.sock_recv(self._socket, 1 << 20)
        return bytes(received)


async def test_a_stalled_viewer_is_cut_and_touches_no_other(make_api: ApiFactory) -> None:
    api = await make_api(stall_timeout=0.5)
    session_id = await api.start()
    padding = "x" * 200_000
    async with StalledViewer(api, session_id) as stalled, api.watch(session_id) as good:
        for number in range(40):
            await api.send(session_id, [event(number, padding)])
            assert await good.next() == event(number, padding)
        assert await stalled.was_cut()
        await api.send(session_id, [event(40)])
        assert await good.next() == event(40)


async def test_a_plain_viewer_that_is_too_far_behind_is_told_so_in_closing(
    make_api: ApiFactory,
) -> None:
    api = await make_api(ring_bytes=100_000, viewer_lag=1_000_000)
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with StalledViewer(api, session_id) as slow:
        assert b'{"number":0,' in await slow.begin()
        for number in range(1, 100):
            await api.send(session_id, [event(number, "x" * 300_000)])
        received = await slow.read_through((4408).to_bytes(2) + b"too slow")
        assert b'{"number":1,' in received
        assert b'{"number":99,' not in received
