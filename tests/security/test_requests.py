"""What is no proper request is answered in our form, tells nothing, and smuggles nothing past a
proxy.
"""

import logging
from uuid import uuid4

import pytest

from spectraview.observability.log_context import AddContext
from tests.api_client import ApiClient
from tests.conftest import KEYS
from tests.security.conftest import Connect

LIVE = "/health/live"
CHUNKED = "Transfer-Encoding: chunked"
UNREADABLE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
    "no method": b"<script> / HTTP/1.1\r\n\r\n",
    "no version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a name without a value": b"GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\nHost: x\r\nX Key: y\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: y\r\n z\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "a bare CR in a value": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n",
}
TOO_LARGE = {
    "a long address": b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long value": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 9000 + b"\r\n\r\n",
    "a long name": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x" * 9000 + b": y\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
}
SMUGGLED = {
    "length and chunked": ("Content-Length: 5", CHUNKED),
    "two lengths": ("Content-Length: 5", "Content-Length: 40"),
    "two lengths in one": ("Content-Length: 5, 40",),
    "a length with a sign": ("Content-Length: +5",),
    "a negative length": ("Content-Length: -5",),
    "a length in hexadecimal": ("Content-Length: 0x5",),
    "a length with an underscore": ("Content-Length: 1_0",),
    "chunked twice": (CHUNKED, CHUNKED),
    "chunked before something": ("Transfer-Encoding: chunked, identity",),
    "an unknown coding": ("Transfer-Encoding: xchunked",),
    "chunked after a vertical tab": ("Transfer-Encoding: \x0bchunked",),
    "a space before the colon": ("Transfer-Encoding : chunked",),
}
BAD_CHUNKS = {
    "no size": b"zz\r\nhello\r\n0\r\n\r\n",
    "a size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a size in hexadecimal": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size that is too small": b"3\r\nhello\r\n0\r\n\r\n",
    "a bare LF": b"5\nhello\n0\n\n",
    "a size of no end": b"f" * 300 + b"\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_request_is_answered_and_the_connection_ends(
    api: ApiClient, connect: Connect, sent: bytes
) -> None:
    wire = await connect(api)
    await wire.send(sent)
    answer = await wire.answer()
    assert answer.fault == (400, "invalid_request")
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["connection"] == "close"
    assert "server" not in answer.headers
    assert await wire.rest() == b""


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_is_too_large_is_not_read_to_its_end(
    api: ApiClient, connect: Connect, sent: bytes
) -> None:
    wire = await connect(api)
    await wire.send(sent)
    answer = await wire.answer()
    assert answer.fault in [(431, "head_too_large"), (400, "invalid_request")]
    assert len(answer.headers["x-request-id"]) == 16


async def test_a_head_of_many_small_parts_is_bounded(api: ApiClient, connect: Connect) -> None:
    wire = await connect(api)
    await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for number in range(10):
        await wire.send(b"X-%d: %s\r\n" % (number, b"x" * 4000))
    assert (await wire.answer()).fault == (431, "head_too_large")
    assert await wire.rest() == b""


@pytest.mark.parametrize("lines", SMUGGLED.values(), ids=SMUGGLED)
async def test_a_request_whose_end_is_not_sure_is_the_last_one(
    api: ApiClient, connect: Connect, lines: tuple[str, ...]
) -> None:
    wire = await connect(api)
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    body = b"0\r\n\r\n" + hidden
    await wire.ask("POST", "/api/sessions/start", *lines, f"X-API-Key: {KEYS['ingest']}", body=body)
    assert (await wire.answer()).fault == (400, "invalid_request")
    assert b"HTTP/1.1" not in await wire.rest()


@pytest.mark.parametrize("sent", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
async def test_a_bad_chunk_is_no_body_and_no_next_request(
    api: ApiClient, connect: Connect, sent: bytes
) -> None:
    wire = await connect(api)
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    path = f"/api/sessions/{uuid4()}/events"
    await wire.ask("POST", path, CHUNKED, f"X-API-Key: {KEYS['ingest']}", body=sent + hidden)
    assert (await wire.answer()).fault == (400, "invalid_request")
    assert b"not_found" not in await wire.rest()


@pytest.mark.parametrize("expected", [b"tea", b"\xf4", b"100-continue\xff"])
async def test_an_unknown_expectation_is_refused_in_our_form(
    api: ApiClient, connect: Connect, expected: bytes
) -> None:
    wire = await connect(api)
    await wire.send(b"GET /health/live HTTP/1.1\r\nHost: x\r\nExpect: %s\r\n\r\n" % expected)
    answer = await wire.answer()
    assert answer.fault == (417, "expectation_failed")
    assert "server" not in answer.headers


async def test_a_body_that_nobody_reads_is_no_next_request(
    api: ApiClient, connect: Connect
) -> None:
    wire = await connect(api)
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    await wire.ask("GET", LIVE, f"Content-Length: {len(hidden)}", body=hidden)
    assert (await wire.answer()).status == 200
    await wire.ask("GET", LIVE)
    assert (await wire.answer()).status == 200


async def test_many_requests_at_once_are_answered_one_after_another(
    api: ApiClient, connect: Connect
) -> None:
    wire = await connect(api)
    await wire.send(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
    for _ in range(200):
        assert (await wire.answer()).status == 200


async def test_bytes_that_are_no_request_fill_no_log(
    api: ApiClient, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for sent in (*UNREADABLE.values(), *TOO_LARGE.values()):
            wire = await connect(api)
            await wire.send(sent)
            await wire.rest()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_what_is_no_request_has_an_id_of_its_own_in_the_log(
    api: ApiClient,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    ids = AddContext()
    caplog.handler.addFilter(ids)
    request.addfinalizer(lambda: caplog.handler.removeFilter(ids))
    wire = await connect(api)
    await wire.ask("GET", LIVE, "X-Request-Id: of-the-request-before")
    assert (await wire.answer()).headers["x-request-id"] == "of-the-request-before"
    with caplog.at_level(logging.DEBUG, "spectraview.serving.protocol"):
        await wire.send(UNREADABLE["a NUL in a value"])
        answered = (await wire.answer()).headers["x-request-id"]
    (record,) = (r for r in caplog.records if r.name == "spectraview.serving.protocol")
    assert vars(record)["requestId"] == answered
