"""What is not a batch is refused with its code and place, and never harms another session."""

import asyncio
import base64
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.api.samples import fault_of, info_of, moves, start_sample
from tests.api_client import ApiClient

EVENT = b'{"type":3,"timestamp":1}'


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


def around(events: bytes) -> bytes:
    """Return a body with this JSON as its events."""
    return b'{"events":%b}' % events


def with_data(data: bytes) -> dict[str, Any]:
    """Return a body with these bytes as its compressed events."""
    return {"events": {"compressed": True, "data": base64.b64encode(data).decode()}}


REFUSED: dict[str, tuple[Any, tuple[int, str, str | None]]] = {
    "no body": (b"", (400, "invalid_json", None)),
    "no JSON": (b"hello", (400, "invalid_json", None)),
    "cut off": (b'{"events":[', (400, "invalid_json", None)),
    "two values": (b"{}{}", (400, "invalid_json", None)),
    "a raw NUL": (b'{"events":[],"a":"\x00"}', (400, "invalid_json", None)),
    "no object": (b"[]", (400, "invalid_body", None)),
    "bad UTF-8": (around(b'[{"type":3,"timestamp":1,"data":"\xff"}]'), (400, "invalid_utf8", None)),
    "bad UTF-8 compressed": (
        with_data(zlib.compress(b'[{"type":3,"timestamp":1,"data":"\xff"}]')),
        (400, "invalid_utf8", "events.data"),
    ),
    "too deep": (around(b"[" * 5000 + b"]" * 5000), (400, "json_too_deep", None)),
    "events as text": (around(b'"x"'), (400, "invalid_body", "events")),
    "events as number": (around(b"1"), (400, "invalid_body", "events")),
    "no events object": (around(b"{}"), (400, "invalid_body", "events.data")),
    "event as number": (around(b"[1]"), (400, "invalid_event", "events[0]")),
    "event as null": (around(b"[%b,null]" % EVENT), (400, "invalid_event", "events[1]")),
    "no type": (around(b'[{"timestamp":1}]'), (400, "invalid_event", "events[0].type")),
    "no timestamp": (around(b'[{"type":3}]'), (400, "invalid_event", "events[0].timestamp")),
    "type as text": (
        around(b'[{"type":"3","timestamp":1}]'),
        (400, "invalid_event", "events[0].type"),
    ),
    "timestamp as text": (
        around(b'[{"type":3,"timestamp":"1"}]'),
        (400, "invalid_event", "events[0].timestamp"),
    ),
    "an endless timestamp": (
        around(b'[{"type":3,"timestamp":1e300}]'),
        (400, "invalid_event", "events[0].timestamp"),
    ),
    "text that is not packed": (
        around(b'["a text that is no event"]'),
        (400, "invalid_event", "events[0]"),
    ),
    "no base64": (
        {"events": {"compressed": True, "data": "&&&"}},
        (400, "invalid_base64", "events.data"),
    ),
    "no data": ({"events": {"compressed": True}}, (400, "invalid_body", "events.data")),
    "not compressed": (with_data(JSON := b"[1,2,3]"), (400, "invalid_compression", "events.data")),
    "cut compressed": (
        with_data(zlib.compress(JSON)[:-5]),
        (400, "invalid_compression", "events.data"),
    ),
    "compressed twice over": (
        with_data(zlib.compress(JSON) * 2),
        (400, "invalid_compression", "events.data"),
    ),
    "compressed object": (with_data(zlib.compress(b"{}")), (400, "invalid_body", "events.data")),
    "compressed garbage": (with_data(zlib.compress(b"[}")), (400, "invalid_json", "events.data")),
    "zip bomb": (
        with_data(zlib.compress(b"[" + b" " * 40_000_000 + b"]")),
        (413, "inflated_too_large", "events.data"),
    ),
    "too many events": (
        around(b"[" + b",".join([EVENT] * 50_001) + b"]"),
        (413, "too_many_events", "events"),
    ),
    "appId as number": ({"appId": 1}, (400, "invalid_body", "appId")),
    "a long appId": ({"appId": "x" * 51}, (400, "invalid_body", "appId")),
    "userId as list": ({"userId": []}, (400, "invalid_body", "userId")),
    "metadata as list": ({"metadata": []}, (400, "invalid_body", "metadata")),
    "batchId as number": (
        {"metadata": {"batchId": 1}},
        (400, "invalid_body", "metadata.batchId"),
    ),
    "custom events as object": ({"customEvents": {}}, (400, "invalid_body", "customEvents")),
    "a custom event without type": (
        {"customEvents": [{"timestamp": 1}]},
        (400, "invalid_body", "customEvents[0].eventType"),
    ),
    "a custom event of a long type": (
        {"customEvents": [{"eventType": "x" * 51, "timestamp": 1}]},
        (400, "invalid_body", "customEvents[0].eventType"),
    ),
    "an error without timestamp": (
        {"errors": [{"type": "a"}]},
        (400, "invalid_body", "errors[0].timestamp"),
    ),
    "an error's message as number": (
        {"errors": [{"type": "a", "timestamp": 1, "message": 1}]},
        (400, "invalid_body", "errors[0].message"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_batch_is_refused_with_its_place(api: ApiClient, name: str) -> None:
    body, fault = REFUSED[name]
    session_id = await start_sample(api)
    assert fault_of(await api.post_events(session_id, body)) == fault
    assert (await info_of(api, session_id))["stats"]["totalEvents"] == 0


KEPT = {
    "NUL": r'[{"type":3,"timestamp":1,"data":"\u0000"}]',
    "lone surrogates": r'[{"type":3,"timestamp":1,"data":{"a":"\ud83d","\uDE00":"\ude00\uD83D"}}]',
    "66 levels": '[{"type":3,"timestamp":1,"data":' + "[" * 66 + "]" * 66 + "}]",
    "1,100 levels, as a page of Chromium may have": (
        '[{"type":3,"timestamp":1,"data":' + "[" * 1100 + "]" * 1100 + "}]"
    ),
    "an emoji": '[{"type":3,"timestamp":1,"data":"😀"}]',
    "strange numbers": '[{"type":3,"timestamp":-1.5,"data":[1e400,-0,0.10,12345678901234567890]}]',
    "spaces": ' [ { "type" : 3 , "timestamp" : 1 } ] ',
    "members twice": '[{"type":3,"type":3,"timestamp":1,"timestamp":2}]',
    "backslashes": r'[{"type":3,"timestamp":1,"data":"\\ud83d \/ \\"}]',
}


async def replay_text(api: ApiClient, path: str) -> bytes:
    """Return the bytes of an answer."""
    headers = {"X-API-Key": api.keys["read"], "Accept-Encoding": "identity"}
    async with api.client.get(path, headers=headers) as response:
        assert response.status == 200
        return await response.read()


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("form", ["array", "compressed"])
async def test_strange_events_come_back_byte_for_byte(api: ApiClient, name: str, form: str) -> None:
    session_id = await start_sample(api)
    text = KEPT[name].encode()
    body = around(text) if form == "array" else with_data(zlib.compress(text))
    assert (await api.post_events(session_id, body)).status == 200
    replay = await replay_text(api, f"/api/sessions/{session_id}/replay")
    inner = text.strip()[1:-1]
    assert replay == b'{"sessionId":"%b","events":[%b],"customEvents":[],"errors":[]}' % (
        str(session_id).encode(),
        inner,
    )


@pytest.mark.parametrize("name", ["customEvents", "errors"])
async def test_strange_custom_events_and_errors_come_back_byte_for_byte(
    api: ApiClient, name: str
) -> None:
    session_id = await start_sample(api)
    item = (
        rb'{"type":"\ud83d","eventType":"a\u0000","timestamp":1.5, "message":"\u0000\udead",'
        rb'"stack":"\\","data":{"b":"\ud83d","a":' + b"[" * 300 + b"]" * 300 + rb',"a":1e400}}'
    )
    assert (await api.post_events(session_id, b'{"%b":[%b]}' % (name.encode(), item))).status == 200
    replay = await replay_text(api, f"/api/sessions/{session_id}/replay")
    assert b'"%b":[%b]' % (name.encode(), item) in replay


@pytest.mark.parametrize("value", [r'{"a":"\u0000\ud83d"}', '{"a":' * 66 + "1" + "}" * 66, "{ }"])
async def test_strange_metadata_come_back_byte_for_byte(api: ApiClient, value: str) -> None:
    session_id = uuid4()
    body = f'{{"sessionId":"{session_id}","appId":"shop","metadata":{value}}}'.encode()
    assert (await api.request("POST", "/api/sessions/start", body)).status == 200
    info = await replay_text(api, f"/api/sessions/{session_id}")
    assert info.endswith(b'"metadata":%b}' % value.encode())


async def test_an_event_of_3_megabytes_is_stored(api: ApiClient) -> None:
    session_id = await start_sample(api)
    events = [{"type": 2, "timestamp": 1, "data": {"node": "x" * 3_000_000}}]
    assert (await api.post_events(session_id, {"events": events})).status == 200
    assert (await api.replay(session_id))["events"] == events


@pytest.mark.parametrize(
    ("encoding", "body", "fault"),
    [
        ("gzip", b"{}", (400, "invalid_compression", None)),
        ("gzip", gzip.compress(b"{}" * 9, mtime=0)[:-12], (400, "invalid_compression", None)),
        ("deflate", zlib.compress(b"{}" * 9)[:-6], (400, "invalid_compression", None)),
        ("deflate", b"\xff\xff", (400, "invalid_compression", None)),
        ("gzip", gzip.compress(b" " * 40_000_000, mtime=0), (413, "body_too_large", None)),
        ("gzip", gzip.compress(b"{", mtime=0), (400, "invalid_json", None)),
        ("br", b"{}", (415, "unsupported_encoding", "Content-Encoding")),
        ("zstd", b"{}", (415, "unsupported_encoding", "Content-Encoding")),
        ("gzip, gzip", b"{}", (415, "unsupported_encoding", "Content-Encoding")),
        ("x" * 99, b"{}", (415, "unsupported_encoding", "Content-Encoding")),
    ],
)
@pytest.mark.parametrize("path", ["events", "heartbeat"])
async def test_a_body_that_cannot_be_decoded_is_refused(
    api: ApiClient, encoding: str, body: bytes, fault: tuple[int, str, str | None], path: str
) -> None:
    session_id = await start_sample(api)
    headers = {"Content-Encoding": encoding}
    answer = await api.post_events(session_id, body, headers=headers, path=path)
    assert fault_of(answer) == fault


async def test_a_body_of_more_than_10_megabytes_is_refused(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, b" " * 10_485_761)
    assert fault_of(answer) == (413, "body_too_large", None)


async def test_a_body_of_10_megabytes_is_read(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, b"{}" + b" " * 10_485_758)
    assert answer.status == 200


async def test_a_chunked_body_of_more_than_10_megabytes_is_refused(api: ApiClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1_048_576

    session_id = await start_sample(api)
    path = f"/api/sessions/{session_id}/events"
    headers = {"X-API-Key": api.keys["ingest"]}
    async with api.client.post(path, data=pieces(), headers=headers) as response:
        assert response.status == 413
        assert (await response.json())["code"] == "body_too_large"


async def test_a_compressed_body_of_more_than_10_megabytes_is_refused(api: ApiClient) -> None:
    session_id = await start_sample(api)
    headers = {"Content-Encoding": "gzip"}
    answer = await api.post_events(session_id, b"\x1f" * 10_485_761, headers=headers)
    assert fault_of(answer) == (413, "body_too_large", None)


async def test_a_wrong_session_id_is_refused(api: ApiClient) -> None:
    for text in ("1", "start", "0x" + "0" * 30, "%00", "%D9%A1" * 32):
        answer = await api.request("POST", f"/api/sessions/{text}/events", {})
        assert fault_of(answer) == (400, "invalid_session_id", "sessionId")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/sessions/start", "POST"),
        ("POST", "/api/sessions", "GET,HEAD"),
        ("DELETE", "/api/sessions", "GET,HEAD"),
        ("GET", "/api/sessions/7e4358ce-3200-433e-8a39-685e634fef6a/events", "POST"),
        ("PATCH", "/api/sessions/7e4358ce-3200-433e-8a39-685e634fef6a/replay", "GET,HEAD"),
        ("POST", "/health", "GET,HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    api: ApiClient, method: str, path: str, allowed: str
) -> None:
    answer = await api.request(method, path)
    assert fault_of(answer) == (405, "method_not_allowed", None)
    assert set(answer.headers["Allow"].split(",")) == set(allowed.split(","))


@pytest.mark.parametrize("path", ["/api", "/api/sessions/", "/api/x", "/%2e%2e/etc"])
async def test_an_unknown_path_is_not_found(api: ApiClient, path: str) -> None:
    assert fault_of(await api.get(path)) == (404, "not_found", None)


async def test_a_client_that_leaves_in_the_middle_is_no_failure(
    api: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    session_id = await start_sample(api)
    _, writer = await asyncio.open_connection(api.client.host, api.client.port)
    key = api.keys["ingest"]
    writer.write(
        f"POST /api/sessions/{session_id}/events HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n"
        "Content-Length: 100\r\n\r\n{".encode()
    )
    await writer.drain()
    await start_sample(api)
    writer.close()
    await writer.wait_closed()
    await start_sample(api)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_poison_beside_good_batches_leaves_those_stored(api: ApiClient) -> None:
    good = [await start_sample(api) for _ in range(8)]
    bodies = [body for body, _ in REFUSED.values()]
    answers = await asyncio.gather(
        *(api.post_events(session_id, {"events": moves(20)}) for session_id in good),
        *(api.post_events(good[n % 8], body) for n, body in enumerate(bodies)),
        *(api.post_events(session_id, {"events": moves(20, 20)}) for session_id in good),
    )
    assert {answer.status for answer in answers[8:-8]} <= {400, 413}
    for session_id in good:
        events = (await api.replay(session_id))["events"]
        assert sorted(events, key=lambda event: event["timestamp"]) == moves(40)
