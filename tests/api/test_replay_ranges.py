"""A part of a replay is what a naive cut of all its events is, before and after sealing."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
import ujson

from tests.api.samples import CLICK, CUSTOM_EVENT, ERROR, fault_of, moves, start_sample
from tests.api.sealing import end_and_seal, fetch
from tests.api_client import ApiClient
from tests.recordings import Event, batches_of, load_recording, recording_names

ENCODINGS = ("zstd", "gzip", "identity")
Ends = dict[str, int]


async def part_of(api: ApiClient, session_id: UUID, ends: Ends) -> Any:
    """Return a part of a session's replay, which must be the same in all codings."""
    query = "&".join(f"{name}={value}" for name, value in ends.items())
    path = f"/api/sessions/{session_id}/replay?{query}"
    texts = {(await fetch(api, path, encoding)).text for encoding in ENCODINGS}
    assert len(texts) == 1
    return ujson.loads(texts.pop())


def cut(events: Sequence[Event], ends: Ends) -> tuple[int, Sequence[Event]]:
    """Return what a part should be: its first sequence and its events."""
    first, before = 0, len(events)
    if "from" in ends:
        earlier = [
            place
            for place, event in enumerate(events[:-1])
            if event["type"] == 4
            and events[place + 1]["type"] == 2
            and event["timestamp"] <= ends["from"]
        ]
        first = earlier[-1] if earlier else 0
    if "afterSequence" in ends:
        first = max(first, ends["afterSequence"] + 1)
    if "toSequence" in ends:
        before = min(before, ends["toSequence"] + 1)
    if "to" in ends:
        inside = [
            place for place, event in enumerate(events[:before]) if event["timestamp"] <= ends["to"]
        ]
        before = inside[-1] + 1 if inside else 0
    first = min(first, len(events))
    return first, events[first : max(first, before)]


def ranges_in(events: Sequence[Event]) -> list[Ends]:
    """Return ranges at all kinds of places of a session."""
    stamps = [event["timestamp"] for event in events]
    start, end = min(stamps), max(stamps)
    times = [start - 1, start, start + (end - start) // 3, start + (end - start) // 2, end, end + 9]
    middle = len(events) // 2
    return [
        *({"from": time} for time in times),
        *({"to": time} for time in times),
        {"from": times[2], "to": times[3]},
        {"from": times[3], "to": times[3]},
        {"from": -(2**62), "to": 2**62},
        {"afterSequence": -1},
        {"afterSequence": middle},
        {"afterSequence": len(events) - 1},
        {"afterSequence": len(events) + 50},
        {"toSequence": 0},
        {"toSequence": middle},
        {"afterSequence": middle - 10, "toSequence": middle},
        {"afterSequence": middle, "toSequence": middle},
        {"from": times[2], "toSequence": middle},
        {"afterSequence": 3, "to": times[4]},
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", recording_names())
async def test_a_part_is_what_a_naive_cut_is(api: ApiClient, name: str) -> None:
    events = load_recording(name)
    ranges = ranges_in(events)[:: 1 if len(events) < 1000 else 4]
    session_id = await api.start()
    await api.upload(session_id, events)
    for sealed in (False, True):
        if sealed:
            await end_and_seal(api, session_id)
        for ends in ranges:
            part = await part_of(api, session_id, ends)
            wanted = cut(events, ends)
            assert (part["firstSequence"], part["events"]) == wanted, (sealed, ends)


@pytest.mark.parametrize("name", recording_names())
async def test_the_parts_of_a_manifest_are_the_whole(api: ApiClient, name: str) -> None:
    events = load_recording(name)
    session_id = await api.start()
    for place, batch in enumerate(batches_of(events)):
        custom = CUSTOM_EVENT | {"timestamp": place}
        await api.send(session_id, batch, customEvents=[custom], errors=[ERROR | custom])
    whole = await api.replay(session_id)
    for sealed in (False, True):
        if sealed:
            await end_and_seal(api, session_id)
        manifest = (await api.get(f"/api/sessions/{session_id}/replay/manifest")).json
        assert manifest["sealed"] is sealed
        parts = [
            await part_of(
                api,
                session_id,
                {"afterSequence": p["firstSequence"] - 1, "toSequence": p["lastSequence"]},
            )
            for p in manifest["parts"]
        ]
        for member in ("events", "customEvents", "errors"):
            assert [entry for part in parts for entry in part[member]] == whole[member]


async def test_the_end_of_a_growing_session_can_be_followed(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.send(session_id, moves(3), appId="yalo-pos")
    await api.post_events(session_id, {"customEvents": [CUSTOM_EVENT]})
    assert (await part_of(api, session_id, {"afterSequence": 2}))["customEvents"] == [CUSTOM_EVENT]
    await api.send(session_id, [CLICK], appId="yalo-pos", errors=[ERROR])
    part = await part_of(api, session_id, {"afterSequence": 2})
    assert (part["firstSequence"], part["events"], part["errors"]) == (3, [CLICK], [ERROR])


async def test_the_whole_session_has_no_first_sequence(api: ApiClient) -> None:
    replay = await api.replay(await start_sample(api))
    assert list(replay) == ["sessionId", "events", "customEvents", "errors"]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("from=x", "from"),
        ("from=1.5", "from"),
        ("to=99999999999999999999", "to"),
        ("from=5&to=4", "to"),
        ("afterSequence=-2", "afterSequence"),
        ("toSequence=-1", "toSequence"),
        ("afterSequence=5&toSequence=4", "toSequence"),
    ],
)
async def test_a_part_that_cannot_be_is_refused(api: ApiClient, query: str, where: str) -> None:
    session_id = await start_sample(api)
    answer = await api.get(f"/api/sessions/{session_id}/replay?{query}")
    assert fault_of(answer) == (400, "invalid_parameter", where)


async def test_each_part_has_a_tag_of_its_own(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.send(session_id, moves(9), appId="yalo-pos")
    path = f"/api/sessions/{session_id}/replay"
    queries = ("", "?from=5", "?to=5", "?afterSequence=5", "?toSequence=5", "?from=5&to=6")
    answers = [await api.get(path + query) for query in queries]
    tags = [answer.headers["ETag"] for answer in answers]
    assert len(set(tags)) == len(queries)
    again = await api.get(path + queries[3], headers={"If-None-Match": tags[3]})
    assert again.status == 304


async def test_timestamps_with_fractions_are_compared_as_they_are(api: ApiClient) -> None:
    session_id = await start_sample(api)
    events = [event | {"timestamp": 5.5 + place} for place, event in enumerate(moves(3))]
    await api.send(session_id, events[:1], appId="yalo-pos")
    await api.send(session_id, events[1:], appId="yalo-pos")
    for end, count in ((5, 0), (6, 1), (7, 2), (8, 3)):
        assert (await part_of(api, session_id, {"to": end}))["events"] == events[:count]


async def test_a_part_holds_half_an_emoji(api: ApiClient) -> None:
    session_id = await start_sample(api)
    odd = b'{"type":5,"data":"\\ud83d","timestamp":2}'
    body = b'{"events":[{"type":5,"timestamp":1}, %b ,{"type":5,"timestamp":3}]}' % odd
    await api.post_events(session_id, body)
    path = f"/api/sessions/{session_id}/replay?afterSequence=0&to=2"
    assert b'"events":[' + odd + b"]" in (await fetch(api, path)).text
    await end_and_seal(api, session_id)
    assert b'"events":[' + odd + b"]" in (await fetch(api, path)).text
