"""A manifest tells where something happens in a session, as the session's events do."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tests.api.samples import CUSTOM_EVENT, ERROR, fault_of, start_sample
from tests.api.sealing import seal_all
from tests.api_client import ApiClient
from tests.recordings import Event, batches_of, load_recording, recording_names

START = 1_700_000_000_000


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def manifest_of(api: ApiClient, session_id: UUID) -> Any:
    """Return a session's manifest."""
    answer = await api.get(f"/api/sessions/{session_id}/replay/manifest")
    assert answer.status == 200, answer
    return answer.json


def did(at: int, source: int = 1, **data: Any) -> Event:
    """Return an incremental event, so many milliseconds after the start."""
    return {"type": 3, "data": {"source": source, **data}, "timestamp": START + at}


def keyframes_in(events: list[Event]) -> list[dict[str, int]]:
    """Return the Metas that a FullSnapshot follows."""
    found = []
    meta = None
    for sequence, event in enumerate(events):
        if event["type"] == 4:
            meta = {"sequence": sequence, "timestamp": event["timestamp"]}
        elif event["type"] == 2 and meta is not None:
            found.append(meta)
            meta = None
    return found


def clicks_in(events: list[Event]) -> list[dict[str, int]]:
    """Return the clicks."""
    return [
        {
            "sequence": sequence,
            "timestamp": event["timestamp"],
            "x": round(event["data"]["x"]),
            "y": round(event["data"]["y"]),
            "nodeId": event["data"]["id"],
        }
        for sequence, event in enumerate(events)
        if event["type"] == 3 and (event["data"]["source"], event["data"].get("type")) == (2, 2)
    ]


def pages_in(events: list[Event]) -> list[dict[str, Any]]:
    """Return the addresses of pages, each once until there is another."""
    metas = [
        {"sequence": sequence, "timestamp": event["timestamp"], "href": event["data"]["href"]}
        for sequence, event in enumerate(events)
        if event["type"] == 4
    ]
    return metas[:1] + [new for old, new in pairwise(metas) if old["href"] != new["href"]]


def user_seconds(events: list[Event]) -> list[int]:
    """Return the second of each thing that the user did."""
    return [
        event["timestamp"] // 1000
        for event in events
        if event["type"] == 3 and 1 <= event["data"]["source"] <= 5
    ]


def idle_in(events: list[Event]) -> list[dict[str, int]]:
    """Return the gaps of ten seconds and more between the seconds of the user's activity."""
    stamps = [event["timestamp"] for event in events]
    active = sorted(set(user_seconds(events)))
    ends = [min(stamps), *(1000 * (second + 1) for second in active)]
    starts = [*(1000 * second for second in active), max(stamps)]
    gaps = zip(ends, starts, strict=True)
    return [{"from": end, "to": start} for end, start in gaps if start - end >= 10_000]


@pytest.mark.parametrize("name", recording_names())
async def test_a_manifest_says_what_the_events_of_a_recording_say(
    api: ApiClient, name: str
) -> None:
    events = load_recording(name)
    session_id = await api.start()
    await api.upload(session_id, events)
    manifest = await manifest_of(api, session_id)
    stamps = [event["timestamp"] for event in events]
    assert (manifest["events"], manifest["version"]) == (len(events), -(-len(events) // 50))
    assert (manifest["startTimestamp"], manifest["endTimestamp"]) == (min(stamps), max(stamps))
    assert manifest["keyframes"] == keyframes_in(events)
    assert manifest["clicks"] == clicks_in(events)
    assert manifest["pages"] == pages_in(events)
    assert manifest["idle"] == idle_in(events)
    assert not manifest["truncated"]


@pytest.mark.parametrize("name", recording_names())
async def test_the_histogram_has_every_act_of_the_user_in_its_interval(
    api: ApiClient, name: str
) -> None:
    events = load_recording(name)
    session_id = await api.start()
    await api.upload(session_id, events)
    activity = (await manifest_of(api, session_id))["activity"]
    seconds = user_seconds(events)
    assert sum(activity["counts"]) == len(seconds)
    assert len(activity["counts"]) <= 300
    start, interval = activity["startTimestamp"], activity["intervalMs"]
    for place, count in enumerate(activity["counts"]):
        inside = [s for s in seconds if place <= (1000 * s - start) / interval < place + 1]
        assert len(inside) == count


@pytest.mark.parametrize("name", recording_names())
async def test_the_parts_are_the_whole_and_begin_at_keyframes(api: ApiClient, name: str) -> None:
    events = load_recording(name)
    session_id = await api.start()
    await api.upload(session_id, events)
    manifest = await manifest_of(api, session_id)
    parts, keyframes = manifest["parts"], {k["sequence"] for k in manifest["keyframes"]}
    assert parts[0]["firstSequence"] == 0
    assert parts[-1]["lastSequence"] == len(events) - 1
    for before, part in pairwise(parts):
        assert part["firstSequence"] == before["lastSequence"] + 1
        assert part["firstSequence"] in keyframes or before["sizeBytes"] >= 4_000_000
    assert sum(part["sizeBytes"] for part in parts) == manifest["sizeBytes"]


async def test_a_session_without_events_has_an_empty_manifest(api: ApiClient) -> None:
    manifest = await manifest_of(api, await start_sample(api))
    assert (manifest["version"], manifest["events"], manifest["live"]) == (0, 0, True)
    assert manifest["startTimestamp"] is manifest["endTimestamp"] is None
    assert manifest["activity"]["counts"] == manifest["parts"] == manifest["idle"] == []


async def test_errors_and_custom_events_are_marked(api: ApiClient) -> None:
    session_id = await start_sample(api)
    long = ERROR | {"message": "x" * 2000}
    await api.post_events(session_id, {"customEvents": [CUSTOM_EVENT], "errors": [ERROR, long]})
    manifest = await manifest_of(api, session_id)
    stamp = CUSTOM_EVENT["timestamp"]
    assert manifest["customEvents"] == [{"timestamp": stamp, "eventType": "checkout_started"}]
    assert manifest["errors"] == [
        {"timestamp": stamp, "type": "javascript_error", "message": ERROR["message"]},
        {"timestamp": stamp, "type": "javascript_error", "message": "x" * 500},
    ]


async def test_rage_and_dead_clicks_are_marked(api: ApiClient) -> None:
    session_id = await start_sample(api)
    clicks = [did(at, 2, type=2, id=5, x=10, y=20) for at in (0, 100, 200)]
    await api.send(session_id, clicks[:2], appId="yalo-pos")
    await api.send(session_id, [clicks[2], did(9000)], appId="yalo-pos")
    manifest = await manifest_of(api, session_id)
    assert manifest["rageClicks"] == [{"timestamp": START, "x": 10, "y": 20, "clicks": 3}]
    assert manifest["deadClicks"] == manifest["clicks"]
    assert [click["sequence"] for click in manifest["deadClicks"]] == [0, 1, 2]


async def test_long_lists_are_cut_and_said_to_be(api: ApiClient) -> None:
    session_id = await start_sample(api)
    customs = [CUSTOM_EVENT | {"timestamp": stamp} for stamp in range(1001)]
    await api.post_events(session_id, {"customEvents": customs})
    manifest = await manifest_of(api, session_id)
    assert manifest["truncated"]
    assert [mark["timestamp"] for mark in manifest["customEvents"]] == list(range(1000))


@pytest.mark.parametrize("stamp", [-(2**62), 2**62, 0.5])
async def test_a_clock_that_lies_leaves_a_manifest(api: ApiClient, stamp: float) -> None:
    session_id = await start_sample(api)
    events = [did(0), did(20_000), did(0) | {"timestamp": stamp}]
    await api.send(session_id, events, appId="yalo-pos")
    manifest = await manifest_of(api, session_id)
    assert sum(manifest["activity"]["counts"]) == 3
    assert len(manifest["activity"]["counts"]) <= 300


async def test_a_manifest_that_is_known_is_not_sent_again(api: ApiClient) -> None:
    session_id = await start_sample(api)
    path = f"/api/sessions/{session_id}/replay/manifest"
    tag = (await api.get(path)).headers["ETag"]
    assert (await api.get(path, headers={"If-None-Match": tag})).status == 304
    await api.end(session_id)
    ended = await api.get(path, headers={"If-None-Match": tag})
    assert (ended.status, ended.json["live"]) == (200, False)
    await api.send(session_id, [did(0)], appId="yalo-pos")
    known = {"If-None-Match": ended.headers["ETag"]}
    assert (await api.get(path, headers=known)).json["version"] == 1


async def test_a_viewer_token_will_do(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await api.request("POST", f"/api/sessions/{session_id}/tokens", key="read")
    path = f"/api/sessions/{session_id}/replay/manifest?token={answer.json['token']}"
    assert (await api.get(path, key=None)).status == 200


async def test_the_manifest_of_no_session_is_not_found(api: ApiClient) -> None:
    answer = await api.get("/api/sessions/00000000-0000-4000-8000-000000000000/replay/manifest")
    assert fault_of(answer) == (404, "session_not_found", None)


async def test_a_session_of_many_batches_is_told_whole(api: ApiClient) -> None:
    session_id = await start_sample(api)
    for at in range(450):
        await api.post_events(session_id, {"events": [did(at)]})
    manifest = await manifest_of(api, session_id)
    assert (manifest["version"], manifest["events"]) == (450, 450)
    assert sum(manifest["activity"]["counts"]) == 450


@pytest.mark.parametrize("name", recording_names())
async def test_sealing_changes_nothing_but_the_parts(api: ApiClient, name: str) -> None:
    session_id = await api.start()
    for place, batch in enumerate(batches_of(load_recording(name))):
        await api.send(session_id, batch, errors=[ERROR | {"timestamp": place}] * (place % 2))
    await api.end(session_id)
    before = await manifest_of(api, session_id)
    await seal_all(api)
    after = await manifest_of(api, session_id)
    assert (before["sealed"], after["sealed"]) == (False, True)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"sealed", "parts", "sizeBytes"}
