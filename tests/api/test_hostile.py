"""Whatever a client sends, the answer is never a fault of the server's, and never its innards."""

import json
import os
from typing import Any
from urllib.parse import quote

import pytest
import ujson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api_client import ApiClient
from tests.conftest import KEYS

SESSION_ID = "11111111-1111-4111-8111-111111111111"
INNARDS = ("Traceback", "psycopg", "Error:", "spectraview.", "/root", "LINE 1")


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


texts = st.text(max_size=20) | st.sampled_from(
    ["", "null", "\0", "\ud800", "'", '"', "%", "\\", "../..", "😀" * 60, "x" * 300, "-1", "1e309"]
)
numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [0, -1, 2**31, 2**63, 10**30, 99_999_999_999, 10**11, 253_402_214_399, 253_402_300_800]
    )
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
session_ids = st.uuids().map(str) | st.just(SESSION_ID)


def members(**kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw an object of these members, each as it should be, otherwise, or missing."""
    return st.fixed_dictionaries({}, optional={name: kind | values for name, kind in kinds.items()})


stats = members(eventCount=numbers, errorCount=numbers, clickCount=numbers)
starts = members(
    sessionId=session_ids,
    appId=st.sampled_from(["shop", "blog"]),
    userId=texts,
    ticketId=texts,
    startTime=numbers,
    metadata=st.dictionaries(texts, values, max_size=3) | members(url=texts),
    ttlHours=numbers,
)
ends = members(endTime=numbers, stats=stats)
heartbeats = members(timestamp=numbers, stats=stats)
batches = members(
    sessionId=session_ids,
    appId=st.sampled_from(["shop", "blog"]),
    userId=texts,
    events=st.lists(members(type=numbers, timestamp=numbers, data=values), max_size=3)
    | members(compressed=st.booleans(), data=texts),
    customEvents=st.lists(members(eventType=texts, timestamp=numbers, data=values), max_size=3),
    errors=st.lists(members(type=texts, timestamp=numbers, message=texts, stack=texts), max_size=3),
    metadata=members(batchId=texts),
)
BODIES = {"start": starts, "events": batches, "heartbeat": heartbeats, "end": ends}
times = (
    st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat())
    | st.sampled_from(["2024-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
    | texts
)
queries = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("appId", "userId", "ticketId", "customEvent", "q"), texts),
        **dict.fromkeys(("limit", "offset", "minDuration"), numbers.map(str) | texts),
        **dict.fromkeys(("hasErrors", "live"), st.sampled_from(["true", "false", "0"]) | texts),
        **dict.fromkeys(("from", "to"), times),
        "cursor": texts | st.binary(max_size=60).map(lambda data: quote(data)),
    },
)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
headers = st.dictionaries(
    st.sampled_from(
        (
            *("Origin", "Content-Type", "Content-Encoding", "Accept-Encoding", "Accept"),
            *("If-None-Match", "Range", "Cookie", "Idempotency-Key", "X-Forwarded-For"),
            *("Content-Language", "Access-Control-Request-Method"),
        )
    ),
    printable.map(str.strip) | st.sampled_from(["gzip", "deflate", "br", "*", "null", "bytes=0-"]),
    max_size=4,
)
paths = st.lists(
    texts | st.sampled_from(["api", "sessions", "start", "events", "replay", "live", "health"]),
    max_size=6,
).filter(lambda parts: parts[:1] != [""])  # the client takes // for a host

hostile = settings(
    max_examples=int(os.environ.get("HOSTILE_EXAMPLES", "100")),
    deadline=None,
    database=None,
    # All examples of a test meet the same application, as all clients do.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def check(
    api: ApiClient,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    sent: dict[str, str] | None = None,
) -> None:
    """Send a request, whose answer must not be a 5xx and must have its form."""
    key = KEYS["read" if method in ("GET", "HEAD") else "ingest"]
    sent = {"X-API-Key": key} | (sent or {})
    async with api.client.request(method, path, data=body, headers=sent) as response:
        text = (await response.read()).decode()
    assert response.status < 500, text
    if response.status >= 400 and method != "HEAD":
        fault = ujson.loads(text)
        assert fault.keys() <= {"error", "code", "where"}, fault
        assert not [word for word in INNARDS if word in text], text
    elif response.status == 200 and method != "HEAD":
        json.loads(text)


@hostile
@given(drawn=st.sampled_from(sorted(BODIES)).flatmap(lambda p: st.tuples(st.just(p), BODIES[p])))
async def test_bodies_of_every_shape(api: ApiClient, drawn: tuple[str, Any]) -> None:
    path, body = drawn
    address = path if path == "start" else f"{SESSION_ID}/{path}"
    await check(api, "POST", f"/api/sessions/{address}", body=json.dumps(body).encode())
    await check(api, "GET", f"/api/sessions/{SESSION_ID}")
    await check(api, "GET", f"/api/sessions/{SESSION_ID}/replay")


@hostile
@given(query=queries)
async def test_queries_of_every_shape(api: ApiClient, query: dict[str, str]) -> None:
    pairs = (f"{name}={quote(value, errors='surrogatepass')}" for name, value in query.items())
    await check(api, "GET", f"/api/sessions?{'&'.join(pairs)}")


@hostile
@given(parts=paths.filter(any), method=st.sampled_from(METHODS), sent=headers)
async def test_paths_methods_and_headers_of_every_shape(
    api: ApiClient, parts: list[str], method: str, sent: dict[str, str]
) -> None:
    path = "/" + "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)
    await check(api, method, path, sent=sent)


@hostile
@given(path=st.sampled_from(sorted(BODIES)), body=st.binary(max_size=200), sent=headers)
async def test_bytes_and_headers_of_every_shape(
    api: ApiClient, path: str, body: bytes, sent: dict[str, str]
) -> None:
    address = path if path == "start" else f"{SESSION_ID}/{path}"
    await check(api, "POST", f"/api/sessions/{address}", body=body, sent=sent)


@hostile
@given(sent=headers, path=st.sampled_from(["", f"/{SESSION_ID}", f"/{SESSION_ID}/replay"]))
async def test_reads_with_headers_of_every_shape(
    api: ApiClient, sent: dict[str, str], path: str
) -> None:
    await check(api, "GET", f"/api/sessions{path}", sent=sent)
