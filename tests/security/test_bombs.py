"""What is small on the wire and large inside is refused, soon and without taking the memory."""

import base64
import gzip
import time
import zlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import zstandard

from tests.api_client import Answer, ApiClient
from tests.conftest import ApiFactory

MB = 1_000_000
EVENT = b'{"type":3,"timestamp":1,"data":{}}'
CAP = {"max_body": 1 * MB, "max_inflated": 4 * MB}
SECONDS = 5.0


def raw_deflate(data: bytes) -> bytes:
    """Return raw deflate."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 9),
    "zlib": lambda data: zlib.compress(data, 9),
    "deflate": raw_deflate,
}
BOMB = b'{"events":[' + EVENT + b" " * (20 * MB) + b"]}"
LIST = b"[" + EVENT + b" " * (20 * MB) + b"]"


@pytest.fixture
async def small(make_api: ApiFactory) -> ApiClient:
    """An application with low limits."""
    return await make_api(**CAP)


async def post(api: ApiClient, body: object, **headers: str) -> Answer:
    """Post a batch and see that the answer comes soon."""
    session_id = await api.start()
    began = time.monotonic()
    answer = await api.post_events(session_id, body, headers=headers)
    assert time.monotonic() - began < SECONDS, "it took too long"
    return answer


@pytest.mark.parametrize("compress", CODINGS.values(), ids=CODINGS)
async def test_a_body_that_inflates_to_too_much_is_refused(
    small: ApiClient, compress: Callable[[bytes], bytes]
) -> None:
    coding = "gzip" if compress is CODINGS["gzip"] else "deflate"
    answer = await post(small, compress(BOMB), **{"Content-Encoding": coding})
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("compress", CODINGS.values(), ids=CODINGS)
async def test_events_that_inflate_to_too_much_are_refused(
    small: ApiClient, compress: Callable[[bytes], bytes]
) -> None:
    data = base64.b64encode(compress(LIST)).decode()
    answer = await post(small, {"events": {"compressed": True, "data": data}})
    assert (answer.status, answer.json["code"]) == (413, "inflated_too_large")


async def test_a_bomb_within_a_bomb_is_inflated_once(small: ApiClient) -> None:
    nested = gzip.compress(gzip.compress(BOMB))
    answer = await post(small, nested, **{"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"]) in [(400, "invalid_json"), (400, "invalid_utf8")]
    answer = await post(small, nested, **{"Content-Encoding": "gzip, gzip"})
    assert (answer.status, answer.json["code"]) == (415, "unsupported_encoding")


async def test_many_packed_events_count_together(small: ApiClient) -> None:
    inner = '{"type":3,"timestamp":1,"data":"' + "x" * (1 * MB) + '","v":"v1"}'
    packed = zlib.compress(inner.encode()).decode("latin-1")
    answer = await post(small, {"events": [packed] * 20})
    assert (answer.status, answer.json["code"]) == (413, "inflated_too_large")


@pytest.mark.parametrize("coding", ["zstd", "br", "compress", "exi"])
async def test_a_coding_that_is_not_known_is_not_undone(small: ApiClient, coding: str) -> None:
    body = zstandard.compress(BOMB)
    answer = await post(small, body, **{"Content-Encoding": coding})
    assert (answer.status, answer.json["code"]) == (415, "unsupported_encoding")


async def test_a_bomb_over_a_socket_is_refused(small: ApiClient) -> None:
    session_id = await small.start()
    headers = {"X-API-Key": small.keys["ingest"]}
    path = f"/api/sessions/{session_id}/ingest"
    async with small.client.ws_connect(path, headers=headers) as socket:
        await socket.send_bytes(zlib.compress(BOMB))
        told: dict[str, object] = {}
        while told.get("type") != "error":
            told = await socket.receive_json()
    assert told["code"] == "inflated_too_large"


def many(count: int, form: str) -> bytes:
    """Return an object with so many members."""
    return b"{" + b",".join((form % number).encode() for number in range(count)) + b"}"


JSON_BOMBS: dict[str, tuple[bytes, set[int]]] = {
    "arrays in arrays": (b"[" * 400_000, {400}),
    "objects in objects": (b'{"a":' * 150_000 + b"1" + b"}" * 150_000, {400}),
    "an event of arrays": (
        b'{"events":[{"type":3,"timestamp":1,"data":' + b"[" * 300_000 + b"]" * 300_000 + b"}]}",
        {400},
    ),
    "a number of many digits": (
        b'{"events":[{"type":3,"timestamp":' + b"9" * 500_000 + b"}]}",
        {400},
    ),
    "a number of many digits in data": (
        b'{"events":[{"type":3,"timestamp":1,"data":' + b"9" * 500_000 + b"}]}",
        {200, 400},
    ),
    "a large exponent": (b'{"events":[{"type":3,"timestamp":1e999999999}]}', {400}),
    "a small exponent": (b'{"events":[{"type":3,"timestamp":1e-999999999}]}', {200, 400}),
    "many members": (b'{"metadata":' + many(60_000, '"k%d":1') + b"}", {200}),
    "the same member again and again": (b"{" + b'"events":[],' * 70_000 + b'"a":1}', {200, 400}),
    "members of the same hash": (many(60_000, '"%d":0'), {200}),
    "many events": (b'{"events":[' + b",".join([EVENT] * 25_000) + b"]}", {200}),
    "many commas": (b"[" + b"," * 900_000 + b"]", {400}),
    "many escapes": (b'{"a":"' + b"\\u0000" * 150_000 + b'"}', {200}),
    "a text without end": (b'{"a":"' + b"x" * 900_000, {400}),
    "many batches": (b'{"batches":[' + b",".join([b"{}"] * 200_000) + b"]}", {400, 413}),
}


@pytest.mark.parametrize(("body", "statuses"), JSON_BOMBS.values(), ids=JSON_BOMBS)
async def test_json_that_is_hard_to_read_is_read_soon(
    small: ApiClient, body: bytes, statuses: set[int]
) -> None:
    answer = await post(small, body)
    assert answer.status in statuses, answer


@pytest.mark.parametrize("path", ["start", "heartbeat", "end", "tokens"])
async def test_json_that_is_hard_to_read_goes_nowhere_else_either(
    small: ApiClient, path: str
) -> None:
    for body, _ in JSON_BOMBS.values():
        address = "start" if path == "start" else f"{uuid4()}/{path}"
        began = time.monotonic()
        answer = await small.request("POST", f"/api/sessions/{address}", body, key="admin")
        assert time.monotonic() - began < SECONDS
        assert answer.status < 500, body[:40]


async def test_metadata_of_a_start_is_bounded_by_its_body(small: ApiClient) -> None:
    body: dict[str, Any] = {"sessionId": str(uuid4()), "appId": "shop"}
    body["metadata"] = {f"key-{number}": "x" * 100 for number in range(10_000)}
    answer = await small.request("POST", "/api/sessions/start", body)
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
