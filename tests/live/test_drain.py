"""A service that is told to stop finishes what runs, sends its viewers elsewhere, and is gone in
time.
"""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import pytest
import ujson
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector

from spectraview.embedded import EmbeddedServers
from spectraview.storage.migrate import migrate
from spectraview.storage.store import Store
from tests.faults.service import Service
from tests.live.stalled_viewer import StalledViewer
from tests.recordings import batch_body

pytestmark = pytest.mark.timeout(180)

GOOD = STALLED = 500
FULL = 20  # of the stalled: viewers for whom bytes wait in the service itself
STOP_SECONDS = 10.0

ServiceFactory = Callable[..., Awaitable[Service]]


@pytest.fixture
async def serve(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[ServiceFactory]:
    """Return a factory of running services; its arguments are settings."""
    async with AsyncExitStack() as running:

        async def start(**settings: str) -> Service:
            addresses = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
            service = Service(tmp_path, addresses | settings)
            await service.start()
            running.push_async_callback(service.stop)
            return service

        yield start


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client without a limit of connections."""
    async with ClientSession(connector=TCPConnector(limit=0)) as http:
        yield http


def events_body(padding: int = 0) -> bytes:
    """Return the body of a batch of one event."""
    event = {"type": 3, "data": {"padding": "x" * padding}, "timestamp": 1}
    return ujson.dumps(batch_body([event])).encode()


async def post_events(http: ClientSession, service: Service, session_id: UUID, body: bytes) -> None:
    """Store a batch."""
    headers = {"X-API-Key": service.keys["ingest"]}
    address = f"{service.url}/api/sessions/{session_id}/events"
    async with http.post(address, data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def get(http: ClientSession, service: Service, path: str) -> tuple[int, Any]:
    """Return the status and the JSON of an address that needs no key."""
    async with http.get(f"{service.url}{path}") as answer:
        return answer.status, ujson.loads(await answer.read())


class GoodViewer:
    """A viewer that reads all it gets, and answers the close."""

    def __init__(self, websocket: ClientWebSocketResponse) -> None:
        self._websocket = websocket

    @classmethod
    async def join(cls, http: ClientSession, service: Service, session_id: UUID) -> "GoodViewer":
        """Return a viewer that has all there is."""
        websocket = await http.ws_connect(
            f"{service.url}/api/sessions/{session_id}/live",
            headers={"X-API-Key": service.keys["read"]},
            max_msg_size=0,
        )
        message = {"type": "subscribe", "sessionId": str(session_id), "protocol": 2}
        await websocket.send_str(ujson.dumps(message))
        while ujson.loads(await websocket.receive_str())["type"] != "synced":
            pass
        return cls(websocket)

    async def leave(self) -> tuple[float, int | None, int]:
        """Return when the server closes: the time, the code, and the delay that it asked for."""
        messages = [ujson.loads(message.data) async for message in self._websocket]
        (delay,) = (message["delay"] for message in messages if message["type"] == "reconnect")
        return time.monotonic(), self._websocket.close_code, delay


async def test_a_thousand_viewers_half_of_them_stalled_are_gone_in_time(
    serve: ServiceFactory, http: ClientSession
) -> None:
    service = await serve(SPECTRAVIEW_VIEWER_BUFFER="16384")
    session_id, long_session_id = uuid4(), uuid4()
    await post_events(http, service, session_id, events_body(padding=50_000))
    for number in range(10):  # more than the kernel takes for one socket
        await post_events(http, service, long_session_id, events_body(padding=400_000 + number))
    async with AsyncExitStack() as open_sockets:
        for watched in [session_id] * (STALLED - FULL) + [long_session_id] * FULL:
            stalled = StalledViewer(service.port, service.keys["read"], watched)
            await open_sockets.enter_async_context(stalled)
            await stalled.begin()
        viewers = [await GoodViewer.join(http, service, session_id) for _ in range(GOOD)]
        began = time.monotonic()
        leaving = asyncio.gather(*(viewer.leave() for viewer in viewers))
        assert await service.stop() == 0
        assert time.monotonic() - began < STOP_SECONDS
        left = sorted(await leaving)
    assert {code for _, code, _ in left} == {1012}
    # They leave in slices, and come back even more apart.
    assert 1.0 < left[-1][0] - left[0][0] < 4.0
    delays = {delay for _, _, delay in left}
    assert len(delays) > GOOD / 4
    assert max(delays) < 2000


async def test_sockets_that_never_subscribed_do_not_hold_the_shutdown_up(
    serve: ServiceFactory, http: ClientSession
) -> None:
    service = await serve()
    address = f"{service.url}/api/sessions/{uuid4()}/live"
    key = {"X-API-Key": service.keys["read"]}
    sockets = [await http.ws_connect(address, headers=key) for _ in range(10)]
    began = time.monotonic()
    assert await service.stop() == 0
    assert time.monotonic() - began < STOP_SECONDS / 2
    assert len(sockets) == 10


async def test_sockets_that_send_are_sent_elsewhere_too(
    serve: ServiceFactory, http: ClientSession
) -> None:
    service = await serve()
    address = f"{service.url}/api/sessions/{uuid4()}/ingest"
    async with http.ws_connect(address, headers={"X-API-Key": service.keys["ingest"]}) as socket:
        await socket.send_str(events_body().decode())
        while ujson.loads(await socket.receive_str())["type"] != "receipt":
            pass
        service.send_signal(signal.SIGTERM)
        assert [message async for message in socket] == []
        assert socket.close_code == 1012
    assert await service.ended() == 0


async def test_readiness_goes_off_before_the_service_takes_nothing_more(
    serve: ServiceFactory, http: ClientSession
) -> None:
    service = await serve(SPECTRAVIEW_DRAIN_DELAY="2")
    assert await get(http, service, "/health/ready") == (200, {"status": "ready"})
    service.send_signal(signal.SIGTERM)
    while (answer := await get(http, service, "/health/ready"))[0] == 200:
        pass
    assert answer == (503, {"status": "draining"})
    assert await get(http, service, "/health/live") == (200, {"status": "live"})
    assert (await get(http, service, "/health"))[0] == 200
    await post_events(http, service, uuid4(), events_body())
    assert await service.ended() == 0


async def test_a_request_that_has_begun_is_finished(serve: ServiceFactory, store: Store) -> None:
    service = await serve()
    session_id = uuid4()
    body = events_body(padding=300_000)
    upload = await Upload.begin(service, session_id, body)
    await upload.send(body[:1000])
    service.send_signal(signal.SIGTERM)
    await refused(service)
    await upload.send(body[1000:])
    status, headers, _ = await upload.answer()
    assert status == 200
    assert headers["connection"] == "close"
    assert await service.ended() == 0
    session = await store.fetch_session(session_id)
    assert session is not None
    assert session.next_sequence == 1


async def test_a_second_signal_ends_the_service_at_once(serve: ServiceFactory) -> None:
    service = await serve(SPECTRAVIEW_SHUTDOWN_TIMEOUT="60")
    body = events_body()
    upload = await Upload.begin(service, uuid4(), body)
    service.send_signal(signal.SIGTERM)
    await refused(service)
    began = time.monotonic()
    assert await service.stop() == 0
    assert time.monotonic() - began < STOP_SECONDS / 2
    await upload.close()


@pytest.mark.parametrize("late", [False, True], ids=["begun", "late"])
async def test_without_the_store_the_shutdown_is_in_time_and_says_so(
    own_database: tuple[EmbeddedServers, str], serve: ServiceFactory, late: bool
) -> None:
    database, database_url = own_database
    service = await serve(DATABASE_URL=database_url, SPECTRAVIEW_SHUTDOWN_TIMEOUT="4")
    body = events_body()
    warmed = await Upload.begin(service, uuid4(), body)  # so that its key is known
    await warmed.send(body)
    assert (await warmed.answer())[0] == 200
    database.stop()
    upload = await Upload.connect(service)
    if not late:
        await upload.send_head(service, uuid4(), body)
    service.send_signal(signal.SIGTERM)
    began = time.monotonic()
    await refused(service)
    if late:  # on a connection that it still serves for a moment
        await upload.send_head(service, uuid4(), body)
    await upload.send(body)
    status, headers, answer = await upload.answer()
    assert (status, ujson.loads(answer)["code"]) == (503, "store_unavailable")
    assert "retry-after" in headers
    assert await service.ended() == 0
    assert time.monotonic() - began < 6


@pytest.fixture
def own_database() -> Iterator[tuple[EmbeddedServers, str]]:
    """A PostgreSQL that the test may stop, and its address."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-drain-", dir="/tmp"))
    folder.chmod(0o755)
    servers = EmbeddedServers(folder, {"fsync": "off"}, cache=False)
    try:
        database_url = servers.start().database_url
        migrate(database_url)
        yield servers, database_url
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def refused(service: Service) -> None:
    """Return when the service takes no more connections."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", service.port)
        except ConnectionError:  # refused, or reset when it came just before the end
            return
        except ConnectionResetError:
            continue  # it was waiting as the listener closed
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class Upload:
    """A batch that is sent piece by piece, once the service has begun to handle it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, service: Service) -> Self:
        """Connect, and send nothing yet."""
        return cls(*await asyncio.open_connection("127.0.0.1", service.port))

    @classmethod
    async def begin(cls, service: Service, session_id: UUID, body: bytes) -> Self:
        """Connect and send the request's head."""
        upload = await cls.connect(service)
        await upload.send_head(service, session_id, body)
        return upload

    async def send_head(self, service: Service, session_id: UUID, body: bytes) -> None:
        """Send the head of the request and wait to be told to go on."""
        await self.send(
            f"POST /api/sessions/{session_id}/events HTTP/1.1\r\nHost: x\r\n"
            f"X-API-Key: {service.keys['ingest']}\r\nContent-Length: {len(body)}\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert b" 100 " in await self._reader.readuntil(b"\r\n\r\n")

    async def send(self, part: bytes) -> None:
        """Send a part of the body."""
        self._writer.write(part)
        await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return the answer's status, headers (in lower case) and body; close the connection."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
        }
        body = await self._reader.readexactly(int(headers["content-length"]))
        await self.close()
        return int(head[0].split()[1]), headers, body

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)
