"""A replay is the same JSON in every coding, before and after its session was sealed."""

import asyncio
from uuid import UUID

import pytest
import ujson

from tests.api.samples import CLICK, CUSTOM_EVENT, ERROR, moves, start_sample
from tests.api.sealing import SMALL, end_and_seal, fetch, seal_all
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import batches_of, load_recording, recording_names

ENCODINGS = ("zstd", "gzip", "identity")
BROWSER = "gzip, deflate, br, zstd"


def replay_path(session_id: UUID) -> str:
    """Return the address of a session's replay."""
    return f"/api/sessions/{session_id}/replay"


async def record(api: ApiClient, name: str) -> UUID:
    """Store a recording, with a custom event and an error here and there."""
    session_id = await api.start()
    for place, batch in enumerate(batches_of(load_recording(name))):
        await api.send(
            session_id,
            batch,
            customEvents=[CUSTOM_EVENT | {"timestamp": place}] * (place % 3),
            errors=[ERROR | {"timestamp": place}] * (place % 2),
        )
    return session_id


@pytest.mark.parametrize("name", recording_names())
async def test_the_json_is_the_same_in_all_codings_before_and_after_sealing(
    api: ApiClient, name: str
) -> None:
    session_id = await record(api, name)
    before = [await fetch(api, replay_path(session_id), coding) for coding in ENCODINGS]
    await end_and_seal(api, session_id)
    after = [await fetch(api, replay_path(session_id), coding) for coding in ENCODINGS]
    assert [answer.encoding for answer in (*before, *after)] == [*ENCODINGS, *ENCODINGS]
    assert len({answer.text for answer in (*before, *after)}) == 1
    assert ujson.loads(after[0].text)["events"] == load_recording(name)


async def test_a_sealed_session_is_sent_as_it_is_stored(api: ApiClient) -> None:
    session_id = await record(api, "gentelella-medium")
    await end_and_seal(api, session_id)
    answer = await fetch(api, replay_path(session_id), BROWSER)
    assert answer.encoding == "zstd"
    assert int(answer.headers["Content-Length"]) == len(answer.body)


async def test_what_is_not_sealed_is_gzipped_even_for_those_who_take_zstd(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.send(session_id, moves(50), appId="yalo-pos")
    assert (await fetch(api, replay_path(session_id), BROWSER)).encoding == "gzip"


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (BROWSER, "zstd"),
        ("zstd;q=0.1, gzip;q=0.2", "gzip"),
        ("zstd;q=0.2, gzip;q=0.1", "zstd"),
        ("zstd;q=0, gzip", "gzip"),
        ("zstd;q=0", "identity"),
        ("identity, gzip;q=0.5, zstd;q=0.5", "identity"),
        ("*", "gzip"),
        ("*;q=0.5, zstd;q=0.4", "gzip"),
        ("ZSTD", "zstd"),
        ("zstd;q=x, gzip", "zstd"),
        ("zstd;q=nan", "zstd"),
        ("br", "identity"),
        ("", "identity"),
    ],
)
async def test_the_client_chooses(api: ApiClient, accept: str, encoding: str) -> None:
    session_id = await start_sample(api)
    await api.send(session_id, moves(50), appId="yalo-pos")
    await end_and_seal(api, session_id)
    answer = await fetch(api, replay_path(session_id), accept)
    assert answer.encoding == encoding
    assert ujson.loads(answer.text)["events"] == moves(50)
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_late_batches_follow_the_segments(api: ApiClient, encoding: str) -> None:
    session_id = await record(api, "todo-small")
    await end_and_seal(api, session_id)
    known = await fetch(api, replay_path(session_id), encoding)
    await api.send(session_id, [CLICK], customEvents=[CUSTOM_EVENT])
    tag = known.headers["ETag"]
    late = await fetch(api, replay_path(session_id), encoding, If_None_Match=tag)
    assert (late.status, late.encoding) == (200, encoding)
    assert "immutable" not in late.headers["Cache-Control"]
    events = load_recording("todo-small")
    assert ujson.loads(late.text)["events"] == [*events, CLICK]
    await seal_all(api)
    assert (await fetch(api, replay_path(session_id), encoding)).text == late.text


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_sealed_replay_that_is_known_is_not_sent_again(
    api: ApiClient, encoding: str
) -> None:
    session_id = await record(api, "todo-small")
    await end_and_seal(api, session_id)
    first = await fetch(api, replay_path(session_id), encoding)
    assert first.headers["Cache-Control"] == "private, immutable, max-age=300"
    tag = first.headers["ETag"]
    again = await fetch(api, replay_path(session_id), encoding, If_None_Match=tag)
    assert (again.status, again.body) == (304, b"")
    assert "Content-Encoding" not in again.headers


async def test_the_codings_have_tags_of_their_own(api: ApiClient) -> None:
    session_id = await record(api, "todo-small")
    await end_and_seal(api, session_id)
    answers = [await fetch(api, replay_path(session_id), coding) for coding in ENCODINGS]
    assert len({answer.headers["ETag"] for answer in answers}) == 3


async def test_a_sealed_session_without_events_has_an_empty_replay(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.post_events(session_id, {"customEvents": [CUSTOM_EVENT]})
    await end_and_seal(api, session_id)
    for encoding in ENCODINGS:
        answer = await fetch(api, replay_path(session_id), encoding)
        assert ujson.loads(answer.text) == {
            "sessionId": str(session_id),
            "events": [],
            "customEvents": [CUSTOM_EVENT],
            "errors": [],
        }


async def test_many_custom_events_and_errors_come_in_order(api: ApiClient) -> None:
    session_id = await start_sample(api)
    customs = [CUSTOM_EVENT | {"timestamp": stamp} for stamp in range(450)]
    errors = [ERROR | {"timestamp": stamp} for stamp in range(300)]
    for start in range(0, 450, 45):
        body = {"customEvents": customs[start : start + 45], "errors": errors[start : start + 45]}
        await api.post_events(session_id, body)
    await api.send(session_id, moves(5), appId="yalo-pos")
    await end_and_seal(api, session_id)
    for encoding in ENCODINGS:
        replay = ujson.loads((await fetch(api, replay_path(session_id), encoding)).text)
        assert (replay["customEvents"], replay["errors"]) == (customs, errors)


async def test_half_an_emoji_comes_back_from_a_segment(api: ApiClient) -> None:
    session_id = await start_sample(api)
    events = b'{"type":5,"data":"\\ud83d","timestamp":1},{"type":5,"data":"\\u0000","timestamp":2}'
    await api.post_events(session_id, b'{"events":[' + events + b"]}")
    await end_and_seal(api, session_id)
    for encoding in ENCODINGS:
        assert events in (await fetch(api, replay_path(session_id), encoding)).text


async def cache_figures(api: ApiClient) -> dict[str, int]:
    """Return what /health tells of the replay cache."""
    answer = await api.get("/health")
    figures: dict[str, int] = answer.json["replay_cache"]
    return figures


async def test_hits_and_misses_are_counted(api: ApiClient) -> None:
    session_id = await record(api, "todo-small")
    assert await cache_figures(api) == {"hits": 0, "misses": 0}
    for _ in range(3):
        await fetch(api, replay_path(session_id), "gzip")
    assert await cache_figures(api) == {"hits": 2, "misses": 1}


async def test_a_version_is_made_once_for_all_who_ask_at_once(api: ApiClient) -> None:
    session_id = await record(api, "gentelella-medium")
    asked = [fetch(api, replay_path(session_id), "gzip") for _ in range(20)]
    answers = await asyncio.gather(*asked)
    assert len({answer.body for answer in answers}) == 1
    assert await cache_figures(api) == {"hits": 19, "misses": 1}


async def test_a_new_version_is_not_answered_by_the_old_one(api: ApiClient) -> None:
    session_id = await record(api, "todo-small")
    await fetch(api, replay_path(session_id), "gzip")
    await api.send(session_id, [CLICK])
    answer = await fetch(api, replay_path(session_id), "gzip")
    assert ujson.loads(answer.text)["events"][-1] == CLICK
    assert await cache_figures(api) == {"hits": 0, "misses": 2}


async def test_a_replay_beyond_the_caches_limit_is_made_for_each(make_api: ApiFactory) -> None:
    api = await make_api(replay_cache_bytes=1000)
    session_id = await record(api, "todo-small")
    for _ in range(2):
        answer = await fetch(api, replay_path(session_id), "gzip")
        assert ujson.loads(answer.text)["events"] == load_recording("todo-small")
    assert (await cache_figures(api))["hits"] == 0


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_deleted_session_is_cut_off_and_not_shortened(
    api: ApiClient, encoding: str
) -> None:
    session_id = await record(api, "gentelella-medium")
    await end_and_seal(api, session_id, SMALL)
    await api.request("DELETE", f"/api/sessions/{session_id}", key="admin")
    assert (await fetch(api, replay_path(session_id), encoding)).status == 404
