"""Several workers on one address: whatever happens to one of them, or to their parent, nothing is
lost.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import ujson
from aiohttp import ClientSession, TCPConnector

from spectraview.embedded import running_addresses
from tests.faults.service import Service
from tests.faults.uploads import Uploads, check_replays
from tests.processes import children_of
from tests.recordings import Event, batch_body, load_recording

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes as Linux does"),
]

WORKERS = 2


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the embedded servers may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-workers-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def service(data_dir: Path) -> AsyncIterator[Service]:
    """A running service with workers."""
    service = Service(data_dir, {"SPECTRAVIEW_WORKERS": str(WORKERS)})
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client that takes a new connection for each request, so that all workers are met."""
    async with ClientSession(connector=TCPConnector(limit=0, force_close=True)) as http:
        yield http


def workers_of(service: Service) -> set[int]:
    """Return the process ids of the workers."""
    return {pid for pid in children_of(service.pid) if b"cli.worker" in command_of(pid)}


def command_of(pid: int) -> bytes:
    """Return the command line of a process, nothing when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def gone(pids: set[int]) -> None:
    """Return when the processes have ended."""
    await asyncio.gather(*map(_gone, pids))


async def _gone(pid: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop.add_reader(descriptor, ended.set)
    await ended.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)


async def test_a_worker_that_is_killed_is_followed_by_another(
    service: Service, http: ClientSession
) -> None:
    uploads = Uploads(http, [service.url], service.keys)
    running = asyncio.create_task(uploads.run([load_recording("todo-small")] * 30))
    before = workers_of(service)
    assert len(before) == WORKERS
    for number, killed in enumerate(before, 1):
        await uploads.reached(number * 100)
        os.kill(killed, signal.SIGKILL)
    sessions = await running
    await check_replays(http, service.url, service.keys, sessions)
    await gone(before)
    await answered_by(service, http, WORKERS)
    assert not before & workers_of(service)


async def test_the_workers_of_a_killed_parent_end_and_it_can_start_again(
    service: Service, http: ClientSession
) -> None:
    uploads = Uploads(http, [service.url], service.keys)
    running = asyncio.create_task(uploads.run([load_recording("todo-small")] * 30))
    await uploads.reached(100)
    workers = workers_of(service)
    await service.kill()
    await service.start()
    await gone(workers)
    sessions = await running
    await check_replays(http, service.url, service.keys, sessions)


async def test_sigterm_ends_all_workers_and_then_the_servers(
    service: Service, http: ClientSession
) -> None:
    uploads = Uploads(http, [service.url], service.keys)
    sessions = await uploads.run([load_recording("todo-small")])
    workers = workers_of(service)
    keys = service.keys
    assert await service.stop() == 0
    assert not any(map(command_of, workers))
    assert running_addresses(service.data_dir) is None
    await service.start()
    await check_replays(http, service.url, keys, sessions)


async def test_sighup_renews_the_workers_and_no_request_fails(
    service: Service, http: ClientSession
) -> None:
    before = workers_of(service)
    session_id = uuid4()
    sender = asyncio.create_task(send_until_renewed(http, service, session_id, before))
    viewer = asyncio.create_task(Resuming(http, service, session_id).watch())
    await asyncio.sleep(0)
    service.send_signal(signal.SIGHUP)
    sent = await sender
    assert len(workers_of(service)) == WORKERS
    headers = {"X-API-Key": service.keys["ingest"]}
    async with http.post(
        f"{service.url}/api/sessions/{session_id}/end", json={}, headers=headers
    ) as answer:
        assert answer.status == 200
    seen, closes = await viewer
    assert seen == sent
    assert closes[-1] == 1000
    assert set(closes[:-1]) == {1012}


async def send_until_renewed(
    http: ClientSession, service: Service, session_id: UUID, before: set[int]
) -> list[Event]:
    """Send batch after batch until none of the workers from before runs; return all events."""
    renewed = asyncio.create_task(gone(before))
    headers = {"X-API-Key": service.keys["ingest"]}
    address = f"{service.url}/api/sessions/{session_id}/events"
    sent: list[Event] = []
    while not renewed.done() or not sent:
        event = {"type": 3, "data": {"number": len(sent)}, "timestamp": 1}
        body = ujson.dumps(batch_body([event])).encode()
        async with http.post(address, data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        sent.append(event)
    return sent


class Resuming:
    """A viewer that comes back where it was whenever it is sent elsewhere."""

    def __init__(self, http: ClientSession, service: Service, session_id: UUID) -> None:
        self._http = http
        self._address = f"{service.url}/api/sessions/{session_id}/live"
        self._headers = {"X-API-Key": service.keys["read"]}
        self._session_id = session_id
        self._seen: list[Event] = []

    async def watch(self) -> tuple[list[Event], list[int | None]]:
        """Return the events, and the codes with which the connections closed, when the session has
        ended.
        """
        closes: list[int | None] = []
        while 1000 not in closes:
            code = await self._watch_once()
            if code != 4404:  # its first batch is on the way
                closes.append(code)
        return self._seen, closes

    async def _watch_once(self) -> int | None:
        async with self._http.ws_connect(self._address, headers=self._headers) as socket:
            await socket.send_str(
                ujson.dumps(
                    {
                        "type": "subscribe",
                        "sessionId": str(self._session_id),
                        "protocol": 2,
                        "from": {"sequence": len(self._seen)},
                    }
                )
            )
            async for text in socket:
                message: dict[str, Any] = ujson.loads(text.data)
                if message["type"] == "events":
                    assert message["sequence"][0] == len(self._seen)
                    self._seen += message["events"]
            return socket.close_code


async def answered_by(service: Service, http: ClientSession, count: int) -> None:
    """Return when so many workers run and the service answers."""
    while len(workers_of(service)) < count:
        async with http.get(f"{service.url}/health/ready") as answer:
            assert answer.status == 200


async def test_metrics_are_those_of_all_workers_whichever_is_asked(
    service: Service, http: ClientSession
) -> None:
    session_id = uuid4()
    before = workers_of(service)
    events = [{"type": 3, "data": {"number": number}, "timestamp": 1} for number in range(12)]
    for event in events:
        body = ujson.dumps(batch_body([event])).encode()
        address = f"{service.url}/api/sessions/{session_id}/events"
        async with http.post(
            address, data=body, headers={"X-API-Key": service.keys["ingest"]}
        ) as answer:
            assert answer.status == 200, await answer.text()
    await counted(service, http, "spectraview_processes", WORKERS)
    await counted(service, http, "spectraview_events_total", len(events))
    ended = before.pop()
    os.kill(ended, signal.SIGTERM)
    await gone({ended})
    await answered_by(service, http, WORKERS)
    await counted(service, http, "spectraview_processes", WORKERS)
    for _ in range(10):
        assert await metric(service, http, "spectraview_events_total") == len(events)


async def counted(service: Service, http: ClientSession, name: str, expected: float) -> None:
    """Return when both workers may know it: each tells the others every two seconds."""
    async with asyncio.timeout(30):
        while await metric(service, http, name) != expected:
            pass


async def metric(service: Service, http: ClientSession, name: str) -> float:
    """Return a metric without labels."""
    async with http.get(f"{service.url}/metrics") as answer:
        assert answer.status == 200
        lines = (await answer.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))
