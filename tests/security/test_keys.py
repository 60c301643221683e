"""A key opens its routes of its app, and no other: tried on every route that there is."""

import asyncio
from uuid import UUID, uuid4

import jwt
import pytest

from spectraview.access.api_keys import ApiKeys
from spectraview.access.viewer_tokens import ViewerTokens
from spectraview.routes import ROUTES, Route
from spectraview.storage.database import Database
from tests.api.samples import CLICK
from tests.api_client import Answer, ApiClient
from tests.conftest import KEYS
from tests.security.places import USER, path_of, routes_of

CANARY = "canary-5f1c"
FORBIDDEN = (403, "forbidden")


async def ask(api: ApiClient, route: Route, path: str, key: str | None) -> Answer:
    """Send a request to a route."""
    body: object = None if route.method == "GET" else {}
    return await api.request(route.method, path, body, key=key)


def fault_of(answer: Answer) -> tuple[int, object]:
    """Return the status and the code of an answer."""
    return answer.status, answer.json["code"] if isinstance(answer.json, dict) else None


async def shop_session(api: ApiClient) -> UUID:
    """Return a session of the app shop that has the canary in all that can be read."""
    session_id = await api.start(
        appId="shop", userId=USER, ticketId=CANARY, metadata={"url": f"https://{CANARY}/"}
    )
    body = {
        "events": [CLICK | {"data": CLICK["data"] | {"text": CANARY}}],
        "customEvents": [{"eventType": CANARY, "timestamp": 1}],
        "errors": [{"type": "Error", "message": CANARY, "timestamp": 1}],
    }
    assert (await api.post_events(session_id, body)).status == 200
    return session_id


@pytest.fixture
async def blog_key(api_keys: ApiKeys) -> str:
    """A key that may do everything, in another app."""
    text = f"sv_admin_{uuid4().hex}"
    await api_keys.create("blog's", text, ["admin", "read", "ingest"], app_id="blog")
    return text


async def test_every_route_but_the_pages_and_health_wants_a_key() -> None:
    public = {route.path for route in routes_of(None)}
    assert {path for path in public if path.startswith("/api")} <= {
        "/api/openapi.json",
        "/api/docs",
        "/api/docs/{path:.+}",
    }


async def test_without_a_key_no_route_opens(api: ApiClient) -> None:
    session_id = await shop_session(api)
    for route in routes_of("ingest", "read", "admin"):
        for key in (None, "sv_read_unknown", KEYS["read"][:-1], KEYS["read"].upper()):
            answer = await ask(api, route, path_of(route, session_id), key)
            assert fault_of(answer) == (401, "unauthorized"), (route, key)


async def test_an_ingest_key_reads_nothing(api: ApiClient) -> None:
    session_id = await shop_session(api)
    for route in routes_of("read", "admin"):
        answer = await ask(api, route, path_of(route, session_id), "ingest")
        assert fault_of(answer) == FORBIDDEN, route
    for route in routes_of("ingest"):  # what it may do tells it nothing of what is stored
        answer = await ask(api, route, path_of(route, session_id), "ingest")
        assert CANARY not in str(answer), route


async def test_a_read_key_writes_and_administers_nothing(api: ApiClient) -> None:
    session_id = await shop_session(api)
    for route in routes_of("ingest", "admin"):
        answer = await ask(api, route, path_of(route, session_id), "read")
        assert fault_of(answer) == FORBIDDEN, route


async def test_a_key_of_another_app_sees_and_changes_nothing(api: ApiClient, blog_key: str) -> None:
    session_id = await shop_session(api)
    before = await api.replay(session_id)
    for route in ROUTES:
        answer = await ask(api, route, path_of(route, session_id), blog_key)
        assert CANARY not in str(answer), route
        if "{session_id}" in route.path:
            assert answer.status in (400, 403, 404, 426), (route, answer)
    assert await api.replay(session_id) == before
    assert (await api.get(f"/api/sessions/{session_id}")).json["live"] is True


async def test_a_key_of_another_app_watches_nothing(api: ApiClient, blog_key: str) -> None:
    session_id = await shop_session(api)
    async with api.watch(session_id, key=blog_key, start="start") as viewer:
        assert await viewer.rest() == []
        assert viewer.close_code == 4404
    stream = {"Accept": "text/event-stream"}
    answer = await api.get(f"/api/sessions/{session_id}/live", key=blog_key, headers=stream)
    assert fault_of(answer) == (404, "session_not_found")


async def test_a_key_of_another_app_sends_nothing_over_a_socket(
    api: ApiClient, blog_key: str
) -> None:
    session_id = await shop_session(api)
    before = await api.replay(session_id)
    path = f"/api/sessions/{session_id}/ingest"
    async with api.client.ws_connect(path, headers={"X-API-Key": blog_key}) as socket:
        await socket.send_json({"events": [CLICK]})
        kinds: list[dict[str, object]] = []
        while not kinds or kinds[-1]["type"] != "error":
            kinds.append(await socket.receive_json())
    assert kinds[-1]["code"] == "session_not_found"
    assert await api.replay(session_id) == before


async def test_no_filter_leads_to_another_apps_sessions(api: ApiClient, blog_key: str) -> None:
    await shop_session(api)
    answer = await api.get("/api/sessions")
    (listed,) = [entry for entry in answer.json["sessions"] if entry["ticketId"] == CANARY][:1]
    asked = {
        **dict.fromkeys(("appId",), "shop"),
        **{"userId": USER, "ticketId": CANARY, "customEvent": CANARY, "q": CANARY},
        **{"url": CANARY, "errorMessage": CANARY, "hasErrors": "true", "live": "true"},
    }
    for name, value in asked.items():
        mine = await api.get(f"/api/sessions?{name}={value}", key=blog_key)
        assert (mine.json["sessions"], mine.json["total"]) == ([], 0), name
        assert CANARY not in str(mine)
    assert listed["appId"] == "shop"


async def test_a_cursor_of_another_key_leads_to_nothing_else(api: ApiClient, blog_key: str) -> None:
    for _ in range(2):
        await shop_session(api)
    cursor = (await api.get("/api/sessions?limit=1")).json["cursor"]
    answer = await api.get(f"/api/sessions?cursor={cursor}", key=blog_key)
    assert answer.json["sessions"] == []


async def token_of(api: ApiClient, session_id: UUID) -> str:
    """Return a viewer token of a session."""
    answer = await api.post_events(session_id, {}, path="tokens", key="read")
    token: str = answer.json["token"]
    return token


async def test_a_token_opens_its_session_on_the_routes_that_say_so(api: ApiClient) -> None:
    session_id, other = await shop_session(api), await shop_session(api)
    token = await token_of(api, session_id)
    for route in routes_of("ingest", "read", "admin"):
        mine = await ask(api, route, f"{path_of(route, session_id)}?token={token}", None)
        if route.viewer_token:
            assert mine.status in (200, 426), (route, mine)
        else:
            assert fault_of(mine) == (401, "unauthorized"), route
        theirs = await ask(api, route, f"{path_of(route, other)}?token={token}", None)
        assert fault_of(theirs) == (401, "unauthorized"), route


FORGED = {
    "no signature": ({"alg": "none"}, {}, ""),
    "another algorithm": ({"alg": "HS512"}, {}, None),
    "another audience": ({"alg": "HS256"}, {"aud": "another"}, None),
    "no end": ({"alg": "HS256"}, {"exp": None}, None),
    "an end that is over": ({"alg": "HS256"}, {"exp": 1}, None),
    "a start that is to come": ({"alg": "HS256"}, {"nbf": 9_999_999_999}, None),
    "a secret that is known": ({"alg": "HS256"}, {}, "x" * 32),
    "a key of the token's own": ({"alg": "HS256", "jwk": {"kty": "oct", "k": "eHg"}}, {}, "xx"),
    "a file as its key": ({"alg": "HS256", "kid": "../../../../dev/null"}, {}, "\0" * 32),
}


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize(("header", "changed", "secret"), FORGED.values(), ids=FORGED)
async def test_a_token_that_was_made_otherwise_opens_nothing(
    api: ApiClient,
    database: Database,
    header: dict[str, object],
    changed: dict[str, object],
    secret: str | None,
) -> None:
    session_id = await shop_session(api)
    good = await token_of(api, session_id)
    claims = jwt.decode(good, options={"verify_signature": False}) | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    ours = await ViewerTokens(database, lambda: 0.0)._find_secret()
    algorithm = str(header["alg"])
    key = (ours if secret is None else secret) if algorithm != "none" else None
    forged = jwt.encode(claims, key, algorithm, headers=header)  # type: ignore[arg-type]
    answer = await api.get(f"/api/sessions/{session_id}?token={forged}", key=None)
    assert fault_of(answer) == (401, "unauthorized")
    assert (await api.get(f"/api/sessions/{session_id}?token={good}", key=None)).status == 200


async def test_a_token_of_a_revoked_key_opens_nothing(api: ApiClient, api_keys: ApiKeys) -> None:
    made = await api.request("POST", "/api/keys", {"name": "s", "scopes": ["read"]}, key="admin")
    session_id = await shop_session(api)
    token = await api.post_events(session_id, {}, path="tokens", key=made.json["key"])
    path = f"/api/sessions/{session_id}?token={token.json['token']}"
    assert (await api.get(path, key=None)).status == 200
    assert (await api.request("DELETE", f"/api/keys/{made.json['id']}", key="admin")).status == 200
    async with asyncio.timeout(10):  # processes look once a second
        while (  # noqa: ASYNC110 - no event tells it
            answer := await api.get(path, key=None)
        ).status == 200:
            await asyncio.sleep(0.1)
    assert fault_of(answer) == (401, "unauthorized")
