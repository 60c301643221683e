"""A replay can be had compressed or not, again for nothing, and is never older than its session."""

import gzip
import json

import pytest

from tests.api.samples import CLICK, CUSTOM_EVENT, ERROR, fault_of, moves, start_sample
from tests.api_client import ApiClient
from tests.conftest import ApiFactory


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def raw(api: ApiClient, path: str, **headers: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and the bytes of an answer, as they are on the wire."""
    sent = {"X-API-Key": api.keys["read"]} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with api.client.get(path, headers=sent, auto_decompress=False) as response:
        return dict(response.headers), await response.read()


ACCEPTED = [
    ("gzip", True),
    ("gzip, deflate, br, zstd", True),
    ("GZIP;q=0.5", True),
    ("*", True),
    ("*;q=0, gzip", True),
    ("gzip;q=0", False),
    ("gzip;q=0.000, *", False),
    ("gzip; q=0", False),
    ("identity", False),
    ("br", False),
    ("", False),
]


@pytest.mark.parametrize(("accept", "compressed"), ACCEPTED)
async def test_a_replay_is_compressed_for_those_who_take_it(
    api: ApiClient, accept: str, compressed: bool
) -> None:
    session_id = await start_sample(api)
    await api.send(session_id, moves(3), appId="yalo-pos")
    headers, body = await raw(api, f"/api/sessions/{session_id}/replay", Accept_Encoding=accept)
    assert (headers.get("Content-Encoding") == "gzip") is compressed
    assert headers["Vary"] == "Accept-Encoding"
    text = gzip.decompress(body) if compressed else body
    assert json.loads(text)["events"] == moves(3)


@pytest.mark.parametrize(("accept", "compressed"), ACCEPTED)
async def test_a_long_answer_is_compressed_for_those_who_take_it(
    api: ApiClient, accept: str, compressed: bool
) -> None:
    session_id = await api.start(metadata={"text": "x" * 5000})
    headers, body = await raw(api, f"/api/sessions/{session_id}", Accept_Encoding=accept)
    assert (headers.get("Content-Encoding") == "gzip") is compressed
    text = gzip.decompress(body) if compressed else body
    assert json.loads(text)["sessionId"] == str(session_id)


async def test_a_replay_is_json_that_no_browser_takes_for_a_page(api: ApiClient) -> None:
    headers, _ = await raw(api, f"/api/sessions/{await start_sample(api)}/replay")
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_an_empty_session_has_an_empty_replay(api: ApiClient) -> None:
    session_id = await start_sample(api)
    assert await api.replay(session_id) == {
        "sessionId": str(session_id),
        "events": [],
        "customEvents": [],
        "errors": [],
    }


async def test_custom_events_and_errors_come_in_the_order_of_their_batches(
    api: ApiClient,
) -> None:
    session_id = await start_sample(api)
    customs = [CUSTOM_EVENT | {"timestamp": stamp} for stamp in (5, 1, 9, 2)]
    errors = [ERROR | {"timestamp": stamp} for stamp in (3, 8)]
    await api.post_events(session_id, {"customEvents": customs[:2], "errors": errors[:1]})
    await api.post_events(session_id, {"events": moves(5), "customEvents": customs[2:]})
    await api.post_events(session_id, {"errors": errors[1:]})
    replay = await api.replay(session_id)
    assert (replay["customEvents"], replay["errors"]) == (customs, errors)
    assert replay["events"] == moves(5)


async def test_a_session_of_many_pages_is_replayed_whole(api: ApiClient) -> None:
    session_id = await start_sample(api)
    wide = [event | {"more": "x" * 60_000} for event in moves(60)]
    for first in range(0, 60, 10):
        await api.post_events(session_id, {"events": wide[first : first + 10]})
    assert (await api.replay(session_id))["events"] == wide


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_replay_that_is_known_is_not_sent_again(api: ApiClient, encoding: str) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": moves(3)})
    path = f"/api/sessions/{session_id}/replay"
    first = await api.get(path, headers={"Accept-Encoding": encoding})
    known = {"Accept-Encoding": encoding, "If-None-Match": first.headers["ETag"]}
    again = await api.get(path, headers=known)
    assert (again.status, again.json) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_one_of_several_known_replays_is_not_sent_again(api: ApiClient) -> None:
    path = f"/api/sessions/{await start_sample(api)}/replay"
    tag = (await api.get(path)).headers["ETag"]
    answer = await api.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert answer.status == 304


async def test_a_replay_that_has_grown_is_sent_again(api: ApiClient) -> None:
    session_id = await start_sample(api)
    path = f"/api/sessions/{session_id}/replay"
    tag = (await api.get(path)).headers["ETag"]
    await api.post_events(session_id, {"events": [CLICK]})
    again = await api.get(path, headers={"If-None-Match": tag})
    assert again.status == 200
    assert again.json["events"] == [CLICK]


async def test_the_two_forms_of_a_replay_are_told_apart(api: ApiClient) -> None:
    path = f"/api/sessions/{await start_sample(api)}/replay"
    tag = (await api.get(path, headers={"Accept-Encoding": "gzip"})).headers["ETag"]
    known = {"Accept-Encoding": "identity", "If-None-Match": tag}
    assert (await api.get(path, headers=known)).status == 200


async def test_a_replay_too_large_for_the_cache_is_sent_all_the_same(make_api: ApiFactory) -> None:
    api = await make_api(replay_cache_bytes=10)
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": moves(30)})
    for _ in range(2):
        assert (await api.replay(session_id))["events"] == moves(30)


@pytest.mark.parametrize("path", ["", "/replay", "/live"])
async def test_a_session_that_is_not_there_is_not_found(api: ApiClient, path: str) -> None:
    answer = await api.get(f"/api/sessions/00000000-0000-4000-8000-000000000000{path}")
    if path == "/live":
        assert fault_of(answer) == (426, "upgrade_required", None)
    else:
        assert fault_of(answer) == (404, "session_not_found", None)


@pytest.mark.parametrize("path", ["", "/replay"])
async def test_the_head_of_an_answer_can_be_had_alone(api: ApiClient, path: str) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"events": moves(30)})
    address = f"/api/sessions/{session_id}{path}"
    head = await api.request("HEAD", address, key="read")
    assert (head.status, head.json) == (200, b"")
    assert (await api.get(address)).status == 200
