"""Every form of a batch that clients send is taken, and the events come back as they were."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.samples import CLICK, META, SNAPSHOT, fault_of, moves, start_sample
from tests.api_client import ApiClient

EVENTS = [META, SNAPSHOT, CLICK]
JSON = json.dumps(EVENTS).encode()


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


def raw_deflate(data: bytes) -> bytes:
    """Compress without any header."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def pack(event: dict[str, Any]) -> str:
    """Pack an event as @rrweb/packer does."""
    return zlib.compress(json.dumps(event | {"v": "v1"}).encode()).decode("latin-1")


COMPRESSORS = [zlib.compress, gzip.compress, raw_deflate]


async def test_an_array(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": EVENTS})
    assert (await api.replay(session_id))["events"] == EVENTS


@pytest.mark.parametrize("compress", COMPRESSORS)
async def test_base64_of_compressed_events(
    api: ApiClient, compress: Callable[[bytes], bytes]
) -> None:
    session_id = await start_sample(api)
    data = base64.b64encode(compress(JSON)).decode()
    answer = await api.post_events(session_id, {"events": {"compressed": True, "data": data}})
    assert answer.json["received"]["events"] == 3
    assert (await api.replay(session_id))["events"] == EVENTS


async def test_an_array_in_an_uncompressed_wrapper(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": {"compressed": False, "data": EVENTS}})
    assert (await api.replay(session_id))["events"] == EVENTS


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
async def test_a_body_with_content_encoding(
    api: ApiClient, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    session_id = await start_sample(api)
    body = compress(b'{"events":%b}' % JSON)
    answer = await api.post_events(session_id, body, headers={"Content-Encoding": encoding})
    assert answer.json["received"]["events"] == 3
    assert (await api.replay(session_id))["events"] == EVENTS


async def test_a_large_body_with_content_encoding(api: ApiClient) -> None:
    session_id = await start_sample(api)
    events = moves(5000)
    body = gzip.compress(json.dumps({"events": events}).encode())
    answer = await api.post_events(session_id, body, headers={"Content-Encoding": "gzip"})
    assert answer.status == 200
    assert (await api.replay(session_id))["events"] == events


async def test_an_identity_encoding_is_none(api: ApiClient) -> None:
    session_id = await start_sample(api)
    headers = {"Content-Encoding": "identity"}
    answer = await api.post_events(session_id, {"events": EVENTS}, headers=headers)
    assert answer.status == 200


async def test_a_beacon_of_plain_text_with_its_key_in_the_query(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(
        session_id,
        {"events": EVENTS},
        path=f"events?apiKey={api.keys['ingest']}",
        key=None,
        headers={"Content-Type": "text/plain;charset=UTF-8"},
    )
    assert answer.json["received"]["events"] == 3


async def test_a_beacon_may_end_a_session(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(
        session_id,
        b"",
        path=f"end?apiKey={api.keys['ingest']}",
        key=None,
        headers={"Content-Type": "text/plain"},
    )
    assert answer.status == 200


async def test_packed_events_are_unpacked(api: ApiClient) -> None:
    session_id = await start_sample(api)
    body = {"events": [pack(META), SNAPSHOT, pack(CLICK)]}
    answer = await api.post_events(session_id, body)
    assert answer.json["received"]["events"] == 3
    replay = await api.replay(session_id)
    assert replay["events"] == [META | {"v": "v1"}, SNAPSHOT, CLICK | {"v": "v1"}]


async def test_a_packed_click_is_counted(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": [pack(CLICK)]})
    info = (await api.get(f"/api/sessions/{session_id}")).json
    assert info["stats"]["clicks"] == 1


async def test_a_session_id_is_taken_in_capitals_and_without_hyphens(api: ApiClient) -> None:
    session_id = await start_sample(api)
    for text in (str(session_id).upper(), session_id.hex):
        path = f"/api/sessions/{text}/events"
        body = {"sessionId": text, "events": [CLICK | {"as": text}]}
        assert (await api.request("POST", path, body)).status == 200
    assert len((await api.replay(session_id))["events"]) == 2


async def test_another_session_id_in_the_body_is_refused(api: ApiClient) -> None:
    session_id = await start_sample(api)
    body = {"sessionId": str(await start_sample(api)), "events": EVENTS}
    answer = await api.post_events(session_id, body)
    assert fault_of(answer) == (400, "session_id_mismatch", "sessionId")


async def test_events_of_an_unknown_type_pass_through(api: ApiClient) -> None:
    session_id = await start_sample(api)
    events = [{"type": 7, "data": {"url": "a.css"}, "timestamp": 1}, {"type": 99, "timestamp": 2}]
    await api.post_events(session_id, {"events": events})
    assert (await api.replay(session_id))["events"] == events


async def test_custom_events_and_errors_alone_are_a_batch(api: ApiClient) -> None:
    session_id = await start_sample(api)
    custom = {"eventType": "paid", "timestamp": 1.5, "data": {"b": 1, "a": [2.50]}, "more": None}
    error = {"type": "network", "timestamp": 2, "status": 500}
    answer = await api.post_events(session_id, {"customEvents": [custom], "errors": [error]})
    assert answer.json["received"] == {"events": 0, "customEvents": 1, "errors": 1}
    replay = await api.replay(session_id)
    assert (replay["customEvents"], replay["errors"]) == ([custom], [error])


@pytest.mark.parametrize(
    "body", [{}, {"events": []}, {"events": None, "customEvents": [], "errors": None}]
)
async def test_an_empty_batch_is_answered_with_zeros(api: ApiClient, body: Any) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, body)
    assert answer.json == {
        "success": True,
        "received": {"events": 0, "customEvents": 0, "errors": 0},
        "firstSequence": None,
        "viewers": 0,
        "needFullSnapshot": True,
    }
