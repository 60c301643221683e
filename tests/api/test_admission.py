"""What a service takes on is bounded, and what it refuses it refuses at once and says so."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import ujson

from spectraview.access.api_keys import ApiKeys
from spectraview.embedded import EmbeddedServers
from spectraview.keys import ADMISSION
from spectraview.storage.database import Database
from spectraview.storage.migrate import migrate
from tests.api_client import ApiClient
from tests.conftest import KEYS, ApiFactory
from tests.processes import freeze, thaw
from tests.recordings import Event, batch_body

CAP = 100_000
HELD = 60_000


def body_of(size: int) -> bytes:
    """Return a batch's body of this size."""
    event = {"type": 3, "data": {}, "timestamp": 1}
    text = ujson.dumps({"appId": "shop", "userId": "u", "events": [event]})
    return text.encode().ljust(size)


class Request:
    """A connection to the service, on which the test writes what it wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, api: ApiClient) -> "Request":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", api.client.port))

    async def head(self, session_id: UUID, *lines: str) -> None:
        """Send the head of a request for a batch."""
        head = (f"POST /api/sessions/{session_id}/events HTTP/1.1", "Host: x", *lines)
        await self.send("\r\n".join((*head, f"X-API-Key: {KEYS['ingest']}", "", "")).encode())

    async def send(self, part: bytes) -> None:
        """Send bytes."""
        self._writer.write(part)
        await self._writer.drain()

    async def chunk(self, part: bytes) -> None:
        """Send bytes as a chunk."""
        await self.send(b"%x\r\n%s\r\n" % (len(part), part))

    async def answer(self) -> tuple[int, str | None, str | None]:
        """Return an answer's status, code and Retry-After."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
        }
        body = ujson.loads(await self._reader.readexactly(int(headers["content-length"])))
        return int(head[0].split()[1]), body.get("code"), headers.get("retry-after")

    async def end(self) -> bytes:
        """Return what comes until the service closes."""
        return await self._reader.read()

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


Connect = Callable[[ApiClient], Awaitable[Request]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return a factory of connections that are closed after the test."""
    opened: list[Request] = []

    async def connect(api: ApiClient) -> Request:
        opened.append(await Request.open(api))
        return opened[-1]

    yield connect
    for request in opened:
        await request.close()


async def in_flight(api: ApiClient, size: int) -> None:
    """Return when so many bytes are in flight."""
    assert api.client.app is not None
    admission = api.client.app[ADMISSION]
    async with asyncio.timeout(10):
        while admission.bytes_in_flight != size:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0)


async def held(api: ApiClient, connect: Connect) -> Request:
    """Return a request of whose body so much has come that there is little room for others."""
    request = await connect(api)
    await request.head(uuid4(), f"Content-Length: {HELD + 1}")
    await request.send(body_of(HELD))
    await in_flight(api, HELD)
    return request


async def test_a_body_that_has_no_room_is_refused_before_it_is_sent(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_pending=CAP)
    first = await held(api, connect)
    second = await connect(api)
    await second.head(uuid4(), f"Content-Length: {HELD}")
    assert await second.answer() == (503, "overloaded", "1")
    # Its connection goes on, once the body that nobody wanted is through.
    await second.send(body_of(HELD))
    await second.head(uuid4(), "Content-Length: 1000")
    await second.send(body_of(1000))
    assert (await second.answer())[0] == 200
    await first.send(b" ")
    assert (await first.answer())[0] == 200
    await in_flight(api, 0)


async def test_a_chunked_body_is_refused_when_it_has_no_more_room(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_pending=CAP)
    first = await held(api, connect)
    second = await connect(api)
    await second.head(uuid4(), "Transfer-Encoding: chunked")
    await second.chunk(body_of(CAP - HELD))
    await in_flight(api, CAP)
    await second.chunk(b" ")
    assert await second.answer() == (503, "overloaded", "1")
    await in_flight(api, HELD)
    await second.send(b"0\r\n\r\n")
    await second.head(uuid4(), "Content-Length: 1000")
    await second.send(body_of(1000))
    assert (await second.answer())[0] == 200
    await first.close()
    await in_flight(api, 0)


async def test_a_body_larger_than_the_cap_is_taken_when_it_is_alone(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_pending=CAP)
    request = await connect(api)
    await request.head(uuid4(), f"Content-Length: {10 * CAP}")
    await request.send(body_of(10 * CAP))
    assert (await request.answer())[0] == 200


async def test_one_request_too_many_is_refused_before_its_body_is_sent(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(rate_limit_ingest=1)
    session_id = await api.start()
    request = await connect(api)
    await request.head(session_id, "Content-Length: 1000")
    await request.send(body_of(1000))
    assert (await request.answer())[0] == 200
    for _ in range(2):
        await request.head(session_id, "Content-Length: 1000")
        status, code, retry_after = await request.answer()
        assert (status, code) == (429, "rate_limited")
        assert retry_after is not None
        await request.send(body_of(1000))


async def test_a_refused_body_that_never_comes_ends_the_connection(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(rate_limit_ingest=1)
    session_id = await api.start()
    await api.send(session_id, [])
    request = await connect(api)
    await request.head(session_id, "Content-Length: 1000")
    assert (await request.answer())[0] == 429
    async with asyncio.timeout(20):
        assert await request.end() == b""


async def test_a_body_that_stops_in_the_middle_is_not_waited_for(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(body_timeout=0.5)
    request = await connect(api)
    await request.head(uuid4(), "Content-Length: 1000")
    await request.send(body_of(999))
    assert await request.answer() == (408, "body_too_slow", None)
    await in_flight(api, 0)


class Postgres:
    """A PostgreSQL that the test stops or freezes."""

    def __init__(self, folder: Path) -> None:
        self._pid_file = folder / "pgdata" / "postmaster.pid"
        self._servers = EmbeddedServers(folder, {"fsync": "off"}, cache=False)
        self._frozen: list[int] = []

    async def start(self) -> str:
        """Start it with the schema and the keys, and return its address."""
        url = self._servers.start().database_url
        migrate(url)
        async with Database(url, connections=2, timeout=10) as database:
            for scope, text in KEYS.items():
                await ApiKeys(database, time.monotonic).create(scope, text, (scope,))
        return url

    def crash(self) -> None:
        """End it, as in a crash."""
        pid = self._pid()
        os.kill(pid, signal.SIGQUIT)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    def freeze(self) -> None:
        """Halt all its processes: connections stay open and nothing answers."""
        self._frozen = freeze(self._pid())

    def heal(self) -> None:
        """Make it work again."""
        thaw(self._frozen)
        self._frozen = []
        self._servers.revive()

    def stop(self) -> None:
        """Stop it for good."""
        self.heal()
        self._servers.stop()

    def _pid(self) -> int:
        return int(self._pid_file.read_text().split()[0])


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-admission-", dir="/tmp"))
    folder.chmod(0o755)
    postgres = Postgres(folder)
    try:
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


COMMIT_TIMEOUT = 2.0
SESSIONS = 20


async def post(api: ApiClient, session_id: UUID, events: list[Event]) -> tuple[int, str | None]:
    """Post a batch; return the status and the code."""
    answer = await api.post_events(session_id, batch_body(events))
    assert answer.status == 200 or "Retry-After" in answer.headers
    return answer.status, answer.json.get("code")


async def post_patiently(api: ApiClient, session_id: UUID, events: list[Event]) -> None:
    """Post a batch until it is stored."""
    while (await post(api, session_id, events))[0] != 200:
        pass


@pytest.mark.parametrize("fault", [Postgres.crash, Postgres.freeze], ids=["crash", "freeze"])
async def test_a_store_that_is_away_for_long_costs_503s_in_time_and_no_event(
    make_api: ApiFactory, postgres: Postgres, fault: Callable[[Postgres], None]
) -> None:
    api = await make_api(database_url=await postgres.start(), commit_timeout=COMMIT_TIMEOUT)
    events = [numbered(number) for number in range(4)]
    sessions = [uuid4() for _ in range(SESSIONS)]
    for session_id in sessions:
        await post_patiently(api, session_id, events[:1])
    fault(postgres)
    # Twice: the second round comes while the statement of the first may still hang.
    for batch in (events[1:2], events[2:3]):
        began = time.monotonic()
        answers = await asyncio.gather(*(post(api, session_id, batch) for session_id in sessions))
        assert set(answers) == {(503, "store_unavailable")}
        assert time.monotonic() - began < COMMIT_TIMEOUT + 1
    await asyncio.to_thread(postgres.heal)
    for batch in (events[1:2], events[2:3], events[3:]):
        await asyncio.gather(*(post_patiently(api, session_id, batch) for session_id in sessions))
    for session_id in sessions:
        assert sorted(numbers(await api.replay(session_id))) == [0, 1, 2, 3]


async def test_more_than_can_be_stored_in_time_is_refused_and_nothing_is_lost(
    make_api: ApiFactory,
) -> None:
    api = await make_api(max_wait=1e-6)
    sessions = [uuid4() for _ in range(SESSIONS)]
    seen, rounds = set[tuple[int, str | None]](), 0
    async with asyncio.timeout(60):
        while (503, "overloaded") not in seen:
            batch = [numbered(rounds)]
            seen.update(await asyncio.gather(*(post(api, each, batch) for each in sessions)))
            await asyncio.gather(*(post_patiently(api, each, batch) for each in sessions))
            rounds += 1
    assert seen == {(200, None), (503, "overloaded")}
    for session_id in sessions:
        assert numbers(await api.replay(session_id)) == list(range(rounds))


def numbered(number: int) -> Event:
    """Return an event that bears a number."""
    return {"type": 3, "data": {"number": number}, "timestamp": number}


def numbers(replay: dict[str, list[Event]]) -> list[int]:
    """Return the numbers of a replay's events."""
    return [event["data"]["number"] for event in replay["events"]]
