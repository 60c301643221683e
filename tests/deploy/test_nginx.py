"""What nginx does for clients and for the processes behind it: deploy/nginx.conf at work."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.api.samples import CLICK, META, SNAPSHOT
from tests.api_client import ApiClient
from tests.conftest import AppFactory
from tests.deploy.conftest import PROCESSES, Start, client_of, port_of
from tests.deploy.nginx import Nginx
from tests.faults.service import free_port
from tests.live.test_event_stream import stream


@asynccontextmanager
async def dying_process() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Open a port where a process takes a request and is gone; yield what it has taken."""
    taken: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(await reader.readuntil(b"\r\n"))
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], taken


async def test_a_batch_whose_process_dies_goes_to_another(
    start_nginx: Start, servers: list[TestServer]
) -> None:
    async with dying_process() as (port, taken):
        nginx = await start_nginx([port, port_of(servers[0]), port_of(servers[1])])
        async with client_of(nginx) as api:
            session_id = await api.start()
            for number in range(9):
                click = CLICK | {"timestamp": number}
                answer = await api.send(session_id, [click])
                assert answer.json["success"]
            replay = await api.get(f"/api/sessions/{session_id}/replay")
    assert len(replay.json["events"]) == 9
    assert any(line.startswith(b"POST") for line in taken)


async def test_what_must_not_happen_twice_is_not_sent_twice(start_nginx: Start) -> None:
    async with AsyncExitStack() as opened:
        dying = [await opened.enter_async_context(dying_process()) for _ in range(PROCESSES)]
        nginx = await start_nginx([port for port, _ in dying])
        async with client_of(nginx) as api:
            answer = await api.request("POST", "/api/keys", {"name": "new"}, key="admin")
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert sum(len(taken) for _, taken in dying) == 1


async def test_without_any_process_the_answer_says_so_to_every_page(start_nginx: Start) -> None:
    nginx = await start_nginx([free_port() for _ in range(PROCESSES)])
    async with client_of(nginx) as api:
        answer = await api.request("POST", "/api/sessions/start", {})
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.exposed == {"X-Request-Id", "Retry-After"}


async def test_what_is_for_those_inside_stays_inside(nginx: Nginx) -> None:
    paths = ["/metrics", "/metrics/", "/health/live", "/health/ready", "/health/ready?a=b"]
    paths += ["/%6detrics", "//metrics", "/api/../metrics", "/./health//live", "/metrics/x/.."]
    async with ClientSession() as http:
        for path in paths:
            async with http.get(URL(nginx.url + path, encoded=True)) as answer:
                code = (await answer.json())["code"]
                assert (answer.status, code) == (404, "not_found"), path
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
    await nginx.stop()
    assert '"server":"127' not in nginx.access_log.read_text()  # nothing came through


async def test_health_is_for_everybody(api: ApiClient) -> None:
    assert (await api.request("GET", "/health", key=None)).json["status"] == "healthy"


async def test_a_body_of_ten_megabytes_passes_and_a_larger_one_is_refused(api: ApiClient) -> None:
    session_id = await api.start()
    head, tail = b'{"events":[{"type":3,"timestamp":1,"data":"', b'"}]}'
    pad = b"x" * (10_485_760 - len(head) - len(tail))
    assert (await api.post_events(session_id, head + pad + tail)).status == 200
    answer = await api.post_events(session_id, head + pad + b"x" + tail)
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_clients_cannot_choose_their_address(
    start_nginx: Start, make_app: AppFactory
) -> None:
    async with TestServer(make_app(trust_forwarded=True, rate_limit_read=3)) as server:
        nginx = await start_nginx([port_of(server)] * PROCESSES)
        async with client_of(nginx) as api:
            statuses = [
                (await api.get("/api/sessions", headers={"X-Forwarded-For": f"10.0.0.{n}"})).status
                for n in range(5)
            ]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(("given", "kept"), [("abc-123.DEF_4", True), ("a b", False), ("", False)])
async def test_a_request_id_goes_through_or_is_made(
    api: ApiClient, nginx: Nginx, given: str, kept: bool
) -> None:
    async with api.client.get("/health", headers={"X-Request-Id": given}) as answer:
        ids = answer.headers.getall("X-Request-Id")
    assert len(ids) == 1
    assert (ids[0] == given) is kept
    await nginx.stop()
    assert f'"request_id":"{ids[0]}"' in nginx.access_log.read_text()


async def test_no_log_tells_a_key_or_a_token(start_nginx: Start, servers: list[TestServer]) -> None:
    async with dying_process() as (port, _):
        nginx = await start_nginx([port, free_port(), port_of(servers[0])])
        async with client_of(nginx) as api:
            for number in range(6):
                for path in (f"{uuid4()}/replay", f"{uuid4()}/live", "start"):
                    query = f"?token=a-secret&apiKey=a-secret&n={number}"
                    await api.request("GET", f"/api/sessions/{path}{query}", key=None)
        await nginx.stop()
    logs = nginx.access_log.read_text() + nginx.error_log.read_text()
    assert '"path":"/api/sessions/start"' in logs
    assert "a-secret" not in logs


async def test_viewers_are_spread_over_all_processes(
    api: ApiClient, servers: list[TestServer]
) -> None:
    session_id = await api.start()
    await api.send(session_id, [META, SNAPSHOT])
    async with AsyncExitStack() as watching:
        for _ in range(3 * PROCESSES):
            viewer = await watching.enter_async_context(api.watch(session_id))
            await viewer.next()
        watched = Counter(viewers_of(server) for server in servers)
    assert watched == {3: PROCESSES}


def viewers_of(server: TestServer) -> int:
    """Return how many connections to a server are upgraded."""
    handlers = server.handler.connections if server.handler is not None else []
    return sum(getattr(h, "_upgraded", False) for h in handlers)


async def test_an_event_stream_is_not_held_back(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [META, SNAPSHOT])
    async with asyncio.timeout(5), stream(api, session_id) as events:
        assert (await events.next()) is not None
        await events.skip_to("synced")
        await api.send(session_id, [CLICK])
        event = await events.next()
    assert event is not None
    assert event["data"] == CLICK


async def test_nothing_but_a_websocket_is_upgraded(api: ApiClient) -> None:
    session_id = await api.start()
    headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": ""}
    answer = await api.get(f"/api/sessions/{session_id}/live", headers=headers)
    assert (answer.status, answer.json["code"]) == (426, "upgrade_required")


async def test_what_nginx_cannot_read_is_answered_as_json(nginx: Nginx) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n")
    answer: Any = await reader.read()
    writer.close()
    assert b" 431 " in answer.split(b"\r\n")[0]
    assert answer.endswith(b'"code":"invalid_request"}')


async def test_a_client_that_sends_no_whole_head_is_cut(nginx: Nginx) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
    writer.write(b"POST /api/sessions/start HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(30):
            await reader.read()
    writer.close()
    await nginx.stop()
    assert '"server":"127' not in nginx.access_log.read_text()  # nothing came through
