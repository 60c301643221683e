"""What clients send is data: to PostgreSQL, to Redis, to paths, to headers."""

import time
from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

import pytest
import ujson

from spectraview.access.viewer_tokens import ViewerToken
from spectraview.api.openapi.document import make_document
from spectraview.config import Config
from spectraview.routes import ROUTES
from spectraview.storage.database import Database
from tests.api.samples import CLICK
from tests.api_client import ApiClient
from tests.conftest import KEYS
from tests.security.conftest import Connect
from tests.security.places import USER

SQL = [
    "' OR '1'='1",
    "'; SELECT pg_sleep(5); --",
    "' UNION SELECT key_hash, name FROM api_keys --",
    "\\'; DROP TABLE sessions; --",
    "1) OR (SELECT pg_sleep(5)) IS NULL --",
    "$$; SELECT pg_sleep(5); $$",
    "%(session_id)s %s %%",
    "{0}{session_id}",
    "x' AND 1=cast(version() AS int) --",
]
INNARDS = ("psycopg", "PostgreSQL", "syntax", "Traceback", "LINE 1", "relation", "api_keys")
PATHS = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "....//....//etc/passwd",
    "..%5c..%5cetc%5cpasswd",
    "%00/etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "index.html%00.js",
    "../../../setup.cfg",
    "..%252f..%252fsetup.cfg",
    "../__init__.py",
    "file:///etc/passwd",
]


def query_parameters() -> Iterator[tuple[str, str]]:
    """Yield each parameter of each query, with its path: a new one is in the document too."""
    for path, item in make_document(ROUTES, Config())["paths"].items():
        for parameter in item.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query" and parameter["name"] not in ("apiKey", "token"):
                yield path, parameter["name"]


QUERIES = sorted(set(query_parameters()))


def test_the_filters_are_known() -> None:
    assert ("/api/sessions", "errorMessage") in QUERIES
    assert len(QUERIES) > 25


async def test_no_filter_of_any_query_reaches_postgresql_as_sql(api: ApiClient) -> None:
    session_id = await api.start(userId=USER)
    began = time.monotonic()
    for path, name in QUERIES:
        address = path.format(session_id=session_id, user_id=USER, key_id=1)
        for text in SQL:
            answer = await api.get(f"{address}?{name}={quote(text)}", key="admin")
            assert answer.status in (200, 400, 404, 426), (path, name, text, answer)
            if answer.status != 200:
                assert not [word for word in INNARDS if word in str(answer.json)], answer
            elif path == "/api/sessions" and name not in ("limit", "offset"):
                assert answer.json["sessions"] == [], (name, text)
    assert time.monotonic() - began < 5 * len(QUERIES), "something slept"
    assert (await api.get(f"/api/sessions/{session_id}")).status == 200


async def test_texts_with_sql_come_back_as_they_were(api: ApiClient) -> None:
    for text in SQL:
        user = f"{text} {uuid4().hex[:8]}"
        session_id = await api.start(userId=user, ticketId=user, metadata={text: text})
        error = {"type": text[:50], "message": text, "timestamp": 1}
        custom = {"eventType": text[:50], "timestamp": 1, text: text}
        body = {"events": [CLICK], "customEvents": [custom], "errors": [error]}
        assert (await api.post_events(session_id, body)).status == 200
        info = (await api.get(f"/api/sessions/{session_id}")).json
        assert (info["userId"], info["metadata"]) == (user, {text: text})
        replay = await api.replay(session_id)
        assert (replay["customEvents"], replay["errors"]) == ([custom], [error])
        found = await api.get(f"/api/sessions?userId={quote(user)}")
        assert [entry["userId"] for entry in found.json["sessions"]] == [user]


async def test_a_user_with_sql_in_its_id_deletes_nobody_else(api: ApiClient) -> None:
    kept = await api.start(userId="somebody-else")
    for text in SQL:
        answer = await api.request("DELETE", f"/api/users/{quote(text, safe='')}", key="admin")
        assert answer.status in (200, 400), answer
    assert (await api.get(f"/api/sessions/{kept}")).status == 200


async def test_ids_cannot_name_other_keys_of_the_cache(api: ApiClient) -> None:
    for text in ("*", "x:replay", "x}\r\nFLUSHALL\r\n", "{x}:*", "a" * 300):
        answer = await api.get(f"/api/sessions/{quote(text, safe='')}")
        assert (answer.status, answer.json["code"]) == (400, "invalid_session_id")
    # App and user are parts of no key; the address of a client is.
    forwarded = {"X-Forwarded-For": "1.2.3.4\x9b, *, {x}:y"}
    assert (await api.get("/api/sessions", headers=forwarded)).status == 200


@pytest.mark.parametrize("folder", ["/console/", "/demo/", "/api/docs/", "/", "/sdk.js/"])
async def test_no_address_leads_out_of_the_pages(
    api: ApiClient, connect: Connect, folder: str
) -> None:
    for path in PATHS:
        wire = await connect(api)
        await wire.ask("GET", folder + path)
        answer = await wire.answer()
        assert answer.fault in [(404, "not_found"), (400, "invalid_request")], path


async def test_segments_of_the_archive_are_named_by_ids_alone(api: ApiClient) -> None:
    # Objects are keyed by the session's UUID, which is parsed; nothing else comes from a client.
    for text in ("../../x", "..%2f..%2fx", "11111111-1111-4111-8111-111111111111%2f..%2fx"):
        answer = await api.get(f"/api/sessions/{text}/replay")
        assert answer.status in (400, 404), text
        body = {"sessionId": text, "appId": "shop"}
        answer = await api.request("POST", "/api/sessions/start", body)
        assert answer.status == 400, text


HEADER_BREAKERS = [
    "a\r\nX-Planted: yes",
    "a\nX-Planted: yes",
    "a\rX-Planted: yes",
    "a\x00b",
    "é\u2028",
]


async def test_nothing_that_is_stored_breaks_a_header(api: ApiClient) -> None:
    for text in HEADER_BREAKERS:
        session_id = await api.start(ticketId=text.replace("\x00", ""), metadata={"url": text})
        for path in ("", "/replay", "/replay/manifest"):
            answer = await api.get(f"/api/sessions/{session_id}{path}")
            assert answer.status == 200
            assert "X-Planted" not in answer.headers


async def test_a_header_of_the_client_breaks_none_of_the_answer(
    api: ApiClient, connect: Connect
) -> None:
    for name in ("Origin", "If-None-Match", "Accept-Encoding", "Access-Control-Request-Method"):
        for value in ("https://x\x0bX-Planted: yes", "x\x85X-Planted: yes", "x\tX-Planted: yes"):
            wire = await connect(api)
            key = f"X-API-Key: {KEYS['read']}"
            await wire.ask("GET", "/api/sessions?limit=1", key, f"{name}: {value}")
            answer = await wire.answer()
            assert "x-planted" not in answer.headers, (name, value)
            assert answer.status in (200, 400), (name, value, answer)


async def test_an_event_stream_is_no_place_for_new_lines(api: ApiClient) -> None:
    session_id = await api.start()
    text = "a\n\nevent: close\ndata: {}\r\n\r\n"
    await api.send(session_id, [CLICK | {"data": CLICK["data"] | {"text": text}}])
    await api.post_events(session_id, {"customEvents": [{"eventType": "x\ny", "timestamp": 1}]})
    await api.end(session_id)
    headers = {"Accept": "text/event-stream"}
    answer = await api.get(f"/api/sessions/{session_id}/live?from=start", headers=headers)
    names = [line for line in answer.json.split(b"\n") if line.startswith(b"event: ")]
    assert names.count(b"event: close") == 1  # the server's own, when all was sent


async def test_metadata_is_no_prototype_of_anything(api: ApiClient) -> None:
    # There is no JavaScript here to pollute: such members are members.
    text = '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'
    session_id = await api.start(metadata=ujson.loads(text))
    info = (await api.get(f"/api/sessions/{session_id}")).json
    assert info["metadata"] == ujson.loads(text)


async def test_the_claims_of_a_token_are_data_too(api: ApiClient, database: Database) -> None:
    assert api.client.app is not None
    from spectraview.keys import VIEWER_TOKENS

    session_id = await api.start()
    tokens = api.client.app[VIEWER_TOKENS]
    odd = ViewerToken(session_id, 1, "' OR '1'='1", time.time() + 60)
    answer = await api.get(f"/api/sessions/{session_id}?token={await tokens.issue(odd)}", key=None)
    assert (answer.status, answer.json["code"]) == (404, "session_not_found")
