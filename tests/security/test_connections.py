"""Clients that are slow, many or mute take a bounded part of the process, and others notice
nothing.
"""

import asyncio
import resource
from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

from spectraview.config import Config
from spectraview.serving.limits import allow_open_files, limits_of
from spectraview.serving.server import BoundedServer
from tests.api_client import ApiClient
from tests.conftest import KEYS, ApiFactory
from tests.recordings import Event, load_recording
from tests.security.conftest import Connect
from tests.security.wire import SlowReader

HEALTH = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
SOON = 0.3


def server_of(api: ApiClient) -> BoundedServer:
    """Return what counts the connections."""
    assert api.client.server.runner is not None
    server = api.client.server.runner.server
    assert isinstance(server, BoundedServer)
    return server


async def becomes(condition: Callable[[], bool]) -> None:
    """Return when something is so."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)


async def ask_and_take_nothing(api: ApiClient, path: str) -> None:
    """Send a request and read nothing; return when the server has no such connection any more."""
    server = server_of(api)
    assert api.client.port is not None
    with closing(SlowReader(api.client.port)) as reader:
        await reader.ask(path, KEYS["read"])
        await becomes(lambda: reader.address in peers_of(server))
        await becomes(lambda: reader.address not in peers_of(server))


def peers_of(server: BoundedServer) -> set[object]:
    """Return the addresses of all clients."""
    return {handler.peername for handler in server.connections}


async def test_a_head_that_does_not_come_in_time_is_answered_and_cut(
    make_api: ApiFactory, connect: Connect
) -> None:
    wire = await connect(await make_api(head_timeout=SOON))
    await wire.send(HEALTH)
    assert (await wire.answer()).fault == (408, "head_too_slow")
    assert await wire.rest() == b""


async def test_bytes_that_trickle_in_win_no_time(make_api: ApiFactory, connect: Connect) -> None:
    wire = await connect(await make_api(head_timeout=SOON))

    async def trickle() -> None:
        for byte in HEALTH * 1000:
            await wire.send(bytes((byte,)))
            await asyncio.sleep(SOON / 10)

    trickling = asyncio.create_task(trickle(), name="trickle")
    assert (await wire.answer()).fault == (408, "head_too_slow")
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)


async def test_a_connection_that_says_nothing_is_closed(
    make_api: ApiFactory, connect: Connect
) -> None:
    wire = await connect(await make_api(head_timeout=SOON))
    assert await wire.rest() == b""


async def test_a_second_head_has_its_own_time(make_api: ApiFactory, connect: Connect) -> None:
    api = await make_api(head_timeout=SOON)
    wire = await connect(api)
    await wire.send(HEALTH + b"\r\n")
    assert (await wire.answer()).status == 200
    await asyncio.sleep(2 * SOON)  # an idle connection is kept alive
    await wire.send(HEALTH + b"\r\n")
    assert (await wire.answer()).status == 200
    await wire.send(HEALTH)
    assert (await wire.answer()).fault == (408, "head_too_slow")


async def test_an_idle_connection_is_closed(make_api: ApiFactory, connect: Connect) -> None:
    wire = await connect(await make_api(keepalive_timeout=SOON))
    await wire.send(HEALTH + b"\r\n")
    assert (await wire.answer()).status == 200
    assert await wire.rest() == b""


async def test_a_request_that_takes_long_is_not_cut(make_api: ApiFactory, connect: Connect) -> None:
    wire = await connect(await make_api(head_timeout=SOON, keepalive_timeout=SOON))
    lines = (f"X-API-Key: {KEYS['ingest']}", "Content-Length: 2")
    await wire.ask("POST", f"/api/sessions/{uuid4()}/heartbeat", *lines)
    await asyncio.sleep(3 * SOON)
    await wire.send(b"{}")
    assert (await wire.answer()).status == 404


async def test_a_body_that_trickles_in_is_not_waited_for(
    make_api: ApiFactory, connect: Connect
) -> None:
    wire = await connect(await make_api(body_timeout=SOON, least_rate=1000))
    lines = (f"X-API-Key: {KEYS['ingest']}", "Content-Length: 1000")
    await wire.ask("POST", f"/api/sessions/{uuid4()}/events", *lines)
    for _ in range(5):
        await wire.send(b" ")
        await asyncio.sleep(SOON / 4)
    assert (await wire.answer()).fault == (408, "body_too_slow")


async def test_who_takes_nothing_of_an_answer_is_cut(make_api: ApiFactory) -> None:
    api = await make_api(answer_timeout=SOON, replay_cache_bytes=0)
    session_id = await api.start()
    large: Event = {"type": 3, "data": {"text": "x" * 4_000_000}, "timestamp": 1}
    for number in range(4):  # more than the kernel keeps of what nobody takes
        await api.send(session_id, [large | {"timestamp": number}])
    await ask_and_take_nothing(api, f"/api/sessions/{session_id}/replay")


async def test_who_takes_enough_of_an_answer_gets_it_all(make_api: ApiFactory) -> None:
    api = await make_api(answer_timeout=SOON, replay_cache_bytes=0, least_rate=50_000)
    session_id = await api.start()
    events = load_recording("todo-small")
    await api.upload(session_id, events)
    assert api.client.port is not None
    with closing(SlowReader(api.client.port)) as reader:
        await reader.ask(f"/api/sessions/{session_id}/replay", KEYS["read"])
        received = bytearray()
        while not received.endswith(b"0\r\n\r\n"):
            received += await reader.take(65_536)
            await asyncio.sleep(0.002)
    assert received.startswith(b"HTTP/1.1 200")


async def test_an_answer_that_waits_for_who_is_gone_holds_nothing(make_api: ApiFactory) -> None:
    # What is below aiohttp's limit stops no handler: its connection would be closing for ever.
    api = await make_api(answer_timeout=SOON, keepalive_timeout=SOON)
    session_id = await api.start()
    await api.upload(session_id, load_recording("todo-small"))
    await ask_and_take_nothing(api, f"/api/sessions/{session_id}/replay?toSequence=40")


async def test_one_connection_too_many_is_told_so(make_api: ApiFactory, connect: Connect) -> None:
    api = await make_api(max_connections=2)
    first = [await connect(api) for _ in range(2)]
    for wire in first:
        await wire.send(HEALTH + b"\r\n")
        assert (await wire.answer()).status == 200
    refused = await (await connect(api)).answer()
    assert refused.fault == (503, "too_many_connections")
    assert refused.headers["retry-after"] == "5"
    assert len(refused.headers["x-request-id"]) == 16
    await first[0].close()
    await becomes(lambda: len(server_of(api).connections) < 2)
    wire = await connect(api)
    await wire.send(HEALTH + b"\r\n")
    assert (await wire.answer()).status == 200


async def test_one_address_may_have_a_part_of_the_connections(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_address_connections=1)
    wire = await connect(api)
    await wire.send(HEALTH + b"\r\n")
    assert (await wire.answer()).status == 200
    assert (await (await connect(api)).answer()).fault == (503, "too_many_connections")
    await wire.close()
    await becomes(lambda: not server_of(api).connections)
    wire = await connect(api)
    await wire.send(HEALTH + b"\r\n")
    assert (await wire.answer()).status == 200


def test_the_limit_on_open_files_is_raised_as_far_as_it_goes() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        assert allow_open_files(600) == 600
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (856, hard)
        assert limits_of(Config(max_connections=10_000)).connections == 600
        assert allow_open_files(10) == 600
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_behind_a_proxy_its_address_has_no_bound(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_address_connections=1, trust_forwarded=True)
    for wire in [await connect(api) for _ in range(3)]:
        await wire.send(HEALTH + b"\r\n")
        assert (await wire.answer()).status == 200
