"""A key opens what it is for and nothing else; pages of other origins may read what they get."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from spectraview.access.api_keys import ApiKeys, new_key_text
from spectraview.storage.database import Database
from tests.api.samples import CLICK, fault_of, info_of
from tests.api_client import ApiClient
from tests.conftest import KEYS

KeyFactory = Callable[..., Awaitable[str]]

INGEST = [
    ("POST", "/api/sessions/start"),
    ("POST", "/api/sessions/{id}/events"),
    ("POST", "/api/sessions/{id}/heartbeat"),
    ("POST", "/api/sessions/{id}/end"),
]
READ = [
    ("GET", "/api/sessions"),
    ("GET", "/api/sessions/{id}"),
    ("GET", "/api/sessions/{id}/replay"),
    ("GET", "/api/sessions/{id}/live"),
]


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
def make_key(api_keys: ApiKeys) -> KeyFactory:
    """Return a factory of keys; it returns a key's text."""

    async def make(scope: str, **bounds: Any) -> str:
        text = new_key_text((scope,))
        await api_keys.create(f"a test's {scope}", text, (scope,), **bounds)
        return text

    return make


@pytest.mark.parametrize(("method", "path"), INGEST + READ)
@pytest.mark.parametrize("key", [None, "", "unknown", "sv_read_", "é", "x" * 5000])
async def test_without_a_known_key_nothing_opens(
    api: ApiClient, method: str, path: str, key: str | None
) -> None:
    answer = await api.request(method, path.format(id=uuid4()), {}, key=key)
    assert fault_of(answer) == (401, "unauthorized", None)


@pytest.mark.parametrize(("method", "path"), INGEST)
async def test_a_read_key_cannot_ingest(api: ApiClient, method: str, path: str) -> None:
    session_id = await api.start()
    answer = await api.request(method, path.format(id=session_id), {}, key="read")
    assert fault_of(answer) == (403, "forbidden", None)


@pytest.mark.parametrize(("method", "path"), READ)
async def test_an_ingest_key_cannot_read(api: ApiClient, method: str, path: str) -> None:
    session_id = await api.start()
    answer = await api.request(method, path.format(id=session_id), key="ingest")
    assert fault_of(answer) == (403, "forbidden", None)


async def test_an_admin_key_may_do_both(api: ApiClient) -> None:
    session_id = await api.start()
    await api.post_events(session_id, {"events": [CLICK]}, key="admin")
    answer = await api.get(f"/api/sessions/{session_id}/replay", key="admin")
    assert answer.json["events"] == [CLICK]


async def test_a_key_in_the_query_opens_too(api: ApiClient) -> None:
    answer = await api.get(f"/api/sessions?apiKey={KEYS['read']}", key=None)
    assert answer.status == 200


async def test_health_needs_no_key(api: ApiClient) -> None:
    assert (await api.get("/health", key=None)).status == 200


async def test_a_revoked_key_is_unknown(
    api: ApiClient, api_keys: ApiKeys, make_key: KeyFactory
) -> None:
    key = await make_key("read")
    (made,) = [known for known in await api_keys.list_keys() if known.name == "a test's read"][-1:]
    await api_keys.revoke(made.key_id)
    assert fault_of(await api.get("/api/sessions", key=key)) == (401, "unauthorized", None)


async def test_a_key_that_was_in_use_stops_working_when_it_is_revoked(
    database: Database, make_key: KeyFactory
) -> None:
    moment = 0.0
    keys = ApiKeys(database, lambda: moment)
    text = await make_key("read")
    found = await keys.find(text)
    assert found is not None
    await keys.revoke(found.key_id)
    moment = 10.0
    assert await keys.find(text) is None


async def test_only_hashes_are_stored(database: Database, make_key: KeyFactory) -> None:
    key = await make_key("read")
    rows = await database.fetch_all("SELECT a::text FROM api_keys a")
    assert key not in str(rows)
    assert key[-20:] not in str(rows)


async def test_a_key_has_256_random_bits() -> None:
    assert len(new_key_text(("read",)).removeprefix("sv_read_")) == 43


@pytest.mark.parametrize("path", ["", "/replay"])
async def test_another_apps_session_is_not_found(
    api: ApiClient, make_key: KeyFactory, path: str
) -> None:
    session_id = await api.start(appId="shop")
    key = await make_key("read", app_id="blog")
    answer = await api.get(f"/api/sessions/{session_id}{path}", key=key)
    assert fault_of(answer) == (404, "session_not_found", None)


async def test_another_apps_session_cannot_be_watched(api: ApiClient, make_key: KeyFactory) -> None:
    session_id = await api.start(appId="shop")
    async with api.watch(session_id, key=await make_key("read", app_id="blog")) as viewer:
        assert await viewer.next() is None
        assert viewer.close_code == 4404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", {"events": [CLICK]}),
        ("events", {}),
        ("heartbeat", {"stats": {"eventCount": 9}}),
        ("end", {}),
    ],
)
async def test_another_apps_session_cannot_be_written(
    api: ApiClient, make_key: KeyFactory, path: str, body: object
) -> None:
    session_id = await api.start(appId="shop")
    key = await make_key("ingest", app_id="blog")
    answer = await api.post_events(session_id, body, path=path, key=key)
    assert fault_of(answer) == (404, "session_not_found", None)
    info = await info_of(api, session_id)
    assert (info["stats"]["totalEvents"], info["live"]) == (0, True)


async def test_events_that_name_another_app_are_refused(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key = await make_key("ingest", app_id="blog")
    body = {"appId": "shop", "events": [CLICK]}
    answer = await api.post_events(uuid4(), body, key=key)
    assert fault_of(answer) == (403, "app_forbidden", "appId")


async def test_a_start_for_another_app_is_refused(api: ApiClient, make_key: KeyFactory) -> None:
    key = await make_key("ingest", app_id="blog")
    body = {"sessionId": str(uuid4()), "appId": "shop"}
    answer = await api.request("POST", "/api/sessions/start", body, key=key)
    assert fault_of(answer) == (403, "app_forbidden", "appId")


async def test_a_bound_key_names_the_app_of_a_start(api: ApiClient, make_key: KeyFactory) -> None:
    key = await make_key("ingest", app_id="blog")
    session_id = uuid4()
    body = {"sessionId": str(session_id)}
    assert (await api.request("POST", "/api/sessions/start", body, key=key)).status == 200
    assert (await info_of(api, session_id))["appId"] == "blog"


async def test_a_bound_key_names_the_app_of_events_before_the_start(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key = await make_key("ingest", app_id="blog")
    session_id = uuid4()
    assert (await api.post_events(session_id, {"events": [CLICK]}, key=key)).status == 200
    assert (await info_of(api, session_id))["appId"] == "blog"


@pytest.mark.parametrize("query", ["", "?appId={mine}", "?limit=500", "?q=shop"])
async def test_a_bound_key_lists_only_its_app(
    api: ApiClient, make_key: KeyFactory, query: str
) -> None:
    mine = f"shop-{uuid4().hex}"
    session_id = await api.start(appId=mine, userId="shop")
    await api.start(appId="shop", userId="shop")
    key = await make_key("read", app_id=mine)
    answer = await api.get(f"/api/sessions{query.format(mine=mine)}", key=key)
    assert [UUID(entry["sessionId"]) for entry in answer.json["sessions"]] == [session_id]
    assert answer.json["total"] == 1


async def test_a_bound_key_lists_nothing_of_another_app(
    api: ApiClient, make_key: KeyFactory
) -> None:
    await api.start(appId="shop")
    key = await make_key("read", app_id="blog-2")
    answer = await api.get("/api/sessions?appId=shop", key=key)
    assert (answer.json["sessions"], answer.json["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 200),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("http://shop.example", 403),
        ("null", 403),
        (None, 200),
    ],
)
async def test_a_key_works_from_its_origins(
    api: ApiClient, make_key: KeyFactory, origin: str | None, status: int
) -> None:
    key = await make_key("ingest", origins=["https://shop.example", "https://www.shop.example"])
    body = {"sessionId": str(uuid4()), "appId": "shop"}
    headers = {"Origin": origin} if origin else {}
    answer = await api.request("POST", "/api/sessions/start", body, key=key, headers=headers)
    assert answer.status == status
    if status == 403:
        assert fault_of(answer) == (403, "origin_forbidden", None)


@pytest.mark.parametrize("path", [path for _, path in INGEST + READ])
async def test_a_browsers_preflight_is_answered_without_a_key(api: ApiClient, path: str) -> None:
    headers = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
    answer = await api.request("OPTIONS", path.format(id=uuid4()), key=None, headers=headers)
    assert (answer.status, answer.json) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, PATCH, DELETE, OPTIONS"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    needed = {"content-type", "content-encoding", "x-api-key", "idempotency-key", "last-event-id"}
    assert needed < set(allowed.split(", "))


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/api/sessions", "read", 200),
        ("GET", "/api/sessions", None, 401),
        ("GET", "/api/sessions", "ingest", 403),
        ("GET", "/api/nothing", "read", 404),
        ("PUT", "/api/sessions", "read", 405),
        ("GET", "/api/sessions/7e4358ce-3200-433e-8a39-685e634fef6a/replay", "read", 404),
        ("POST", "/api/sessions/7e4358ce-3200-433e-8a39-685e634fef6a/events", "ingest", 400),
    ],
)
async def test_a_page_may_read_every_answer(
    api: ApiClient, method: str, path: str, key: str | None, status: int
) -> None:
    headers = {"Origin": "https://shop.example"}
    answer = await api.request(method, path, b"", key=key, headers=headers)
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "X-Request-Id" in answer.exposed
    varies = [value for name, value in answer.headers.items() if name == "Vary"]
    assert "Origin" in varies


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "told"),
    [
        ("GET", "/api/sessions", {}, 200, {"RateLimit"}),
        ("PUT", "/api/sessions", {}, 405, {"Allow"}),
        ("POST", "/api/sessions/start", {"Content-Encoding": "br"}, 415, {"Accept-Encoding"}),
        ("GET", "/api/users/user-123/export", {}, 200, {"RateLimit", "Content-Disposition"}),
        ("GET", "/api/openapi.json", {}, 200, {"ETag"}),
    ],
)
async def test_a_page_may_read_what_an_answers_headers_tell(
    api: ApiClient, method: str, path: str, sent: dict[str, str], status: int, told: set[str]
) -> None:
    headers = {"Origin": "https://shop.example"} | sent
    answer = await api.request(method, path, b"", key="admin", headers=headers)
    assert answer.status == status
    assert {"X-Request-Id", *told} <= answer.exposed


async def test_a_page_may_read_a_streamed_replay(api: ApiClient) -> None:
    session_id = await api.start()
    headers = {"Origin": "https://shop.example"}
    answer = await api.get(f"/api/sessions/{session_id}/replay", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert {"X-Request-Id", "RateLimit", "ETag"} <= answer.exposed


async def test_without_an_origin_nothing_is_said_of_it(api: ApiClient) -> None:
    answer = await api.get("/api/sessions")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_many_requests_with_a_new_key_share_one_look(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key = await make_key("read")
    answers = await asyncio.gather(*(api.get("/api/sessions?limit=1", key=key) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
