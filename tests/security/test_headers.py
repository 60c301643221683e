"""Every answer says what browsers may do with it, and none says what serves it."""

from itertools import product

import pytest

from spectraview.routes import ROUTES, Route
from tests.api_client import Answer, ApiClient
from tests.conftest import KEYS, ApiFactory
from tests.security.conftest import Connect
from tests.security.places import path_of

SHOP = {"Origin": "https://shop.example"}


async def ask(api: ApiClient, route: Route, key: str | None = "admin") -> Answer:
    """Send a request to a route, as a page of another origin would."""
    body = b"{}" if route.method == "POST" else None
    return await api.request(route.method, path_of(route), body, key=key, headers=SHOP)


async def test_every_route_says_what_browsers_may_do(api: ApiClient) -> None:
    for route, key in product(ROUTES, (None, "admin")):
        headers = (await ask(api, route, key)).headers
        assert headers["X-Content-Type-Options"] == "nosniff", route
        assert headers["Referrer-Policy"] == "no-referrer", route
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, route
        assert "frame-ancestors 'none'" in policy, route
        everywhere = route.scope == "ingest" or route.path == "/sdk.js"
        resources = "cross-origin" if everywhere else "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == resources, route
        assert "Server" not in headers, route


async def test_what_a_key_opens_no_cache_keeps_for_others(api: ApiClient) -> None:
    for route, key in product(ROUTES, (None, "admin")):
        caching = (await ask(api, route, key)).headers["Cache-Control"]
        assert route.scope is None or caching.split(",")[0] in ("no-store", "private"), route


async def test_no_answer_lets_a_page_use_what_the_browser_knows(api: ApiClient) -> None:
    for route in ROUTES:
        headers = (await ask(api, route)).headers
        assert "Access-Control-Allow-Credentials" not in headers, route
        assert "Set-Cookie" not in headers, route
        assert "WWW-Authenticate" not in headers, route


async def test_no_route_leads_elsewhere(api: ApiClient) -> None:
    for route in ROUTES:
        answer = await api.request(
            route.method,
            path_of(route) + "?next=https://evil.example&url=//evil.example",
            key="admin",
            headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        )
        assert not 300 <= answer.status < 400, route
        assert "Location" not in answer.headers, route


@pytest.mark.parametrize("path", ["//evil.example/", "/console//evil.example", "/demo/../../x"])
async def test_no_address_leads_elsewhere(api: ApiClient, connect: Connect, path: str) -> None:
    wire = await connect(api)
    await wire.ask("GET", path)
    answer = await wire.answer()
    assert answer.fault == (404, "not_found")


async def test_a_replay_and_a_socket_tell_nothing_of_the_server(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api()
    session_id = await api.start()
    replay = await api.get(f"/api/sessions/{session_id}/replay")
    assert replay.headers["Cache-Control"] == "private, no-cache"
    assert "Server" not in replay.headers
    wire = await connect(api)
    await wire.upgrade(f"/api/sessions/{session_id}/live", KEYS["read"])


async def test_what_a_client_sends_is_in_no_header_of_the_answer(api: ApiClient) -> None:
    planted = "planted-%0d%0aX-Planted:%20yes"
    for path in (f"/api/{planted}", f"/api/sessions?appId={planted}", f"/console/{planted}"):
        answer = await api.get(path, headers={"Idempotency-Key": "planted", "Referer": "planted"})
        assert "planted" not in str(answer.headers)
        assert "X-Planted" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/demo", "/api/docs"])
async def test_a_page_shares_no_window_and_asks_for_no_device(api: ApiClient, path: str) -> None:
    headers = (await api.get(path, key=None)).headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
