"""A session's life: its clock, its start, its end, and what it counts."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.samples import (
    CLICK,
    CUSTOM_EVENT,
    END,
    ERROR,
    HEARTBEAT,
    META,
    SNAPSHOT,
    START,
    fault_of,
    info_of,
    moves,
    start_sample,
)
from tests.api_client import Answer, ApiClient

NOW_MS = 1_700_000_000_000


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def start(api: ApiClient, **members: object) -> Answer:
    """Send a start."""
    body = {"sessionId": str(uuid4()), "appId": "shop"} | members
    return await api.request("POST", "/api/sessions/start", body)


async def test_a_clock_in_milliseconds_is_answered_in_milliseconds(api: ApiClient) -> None:
    session_id = await api.start(startTime=NOW_MS + 123)
    await api.end(session_id, endTime=NOW_MS + 61_123)
    info = await info_of(api, session_id)
    assert (info["startTime"], info["endTime"]) == (NOW_MS + 123, NOW_MS + 61_123)
    assert info["duration"] == 61


async def test_a_clock_in_seconds_may_end_in_milliseconds(api: ApiClient) -> None:
    session_id = await api.start(startTime=1_700_000_000)
    await api.end(session_id, endTime=NOW_MS + 61_000)
    info = await info_of(api, session_id)
    assert (info["startTime"], info["endTime"]) == (1_700_000_000, 1_700_000_061)


async def test_timestamps_of_events_are_not_touched(api: ApiClient) -> None:
    session_id = await api.start(startTime=1_700_000_000)
    events = [{"type": 3, "timestamp": stamp} for stamp in (1, NOW_MS, 1.5)]
    await api.send(session_id, events)
    assert (await api.replay(session_id))["events"] == events


@pytest.mark.parametrize("last", [1_700_000_090, NOW_MS + 90_000])
async def test_the_duration_of_a_session_that_goes_on_reaches_to_its_last_event(
    api: ApiClient, last: int
) -> None:
    session_id = await api.start(startTime=1_700_000_000)
    await api.send(session_id, [{"type": 3, "timestamp": last}])
    assert (await info_of(api, session_id))["duration"] == 90


async def test_without_a_start_time_the_session_starts_now(api: ApiClient) -> None:
    session_id = await api.start()
    assert (await info_of(api, session_id))["startTime"] > 1_750_000_000_000


async def test_an_end_without_time_is_at_the_last_event(api: ApiClient) -> None:
    session_id = await api.start(startTime=NOW_MS)
    await api.send(session_id, [{"type": 3, "timestamp": NOW_MS + 5_000}])
    await api.end(session_id)
    info = await info_of(api, session_id)
    assert (info["endTime"], info["duration"]) == (NOW_MS + 5_000, 5)


async def test_an_end_before_the_start_has_no_duration(api: ApiClient) -> None:
    session_id = await api.start(startTime=NOW_MS)
    await api.end(session_id, endTime=NOW_MS - 5_000)
    assert (await info_of(api, session_id))["duration"] == 0


@pytest.mark.parametrize("time", [0, 1, 99_999_999_999, 100_000_000_000, 253_402_214_399_000])
async def test_every_time_of_the_calendar_is_kept(api: ApiClient, time: int) -> None:
    session_id = await api.start(startTime=time)
    await api.end(session_id, endTime=time)
    info = await info_of(api, session_id)
    assert (info["startTime"], info["endTime"]) == (time, time)


@pytest.mark.parametrize("time", [-1, 1e300, 253_402_300_800_000, "1", True, [], {}])
async def test_a_time_beyond_the_calendar_is_refused(api: ApiClient, time: object) -> None:
    assert fault_of(await start(api, startTime=time)) == (400, "invalid_body", "startTime")
    session_id = await api.start()
    assert fault_of(await api.end(session_id, endTime=time)) == (400, "invalid_body", "endTime")


async def test_a_repeated_start_tells_who_the_user_is_and_what_the_ticket(api: ApiClient) -> None:
    session_id = await api.start(userId=None)
    await api.start(session_id, userId="user-9", ticketId="ticket-9")
    info = await info_of(api, session_id)
    assert (info["userId"], info["ticketId"]) == ("user-9", "ticket-9")


async def test_a_repeated_start_changes_nothing(api: ApiClient) -> None:
    session_id = await start_sample(api)
    again = {"sessionId": str(session_id), "appId": "yalo-pos", "userId": "other", "startTime": 1}
    answer = await api.request("POST", "/api/sessions/start", again)
    assert answer.json["message"] == "Session started"
    info = await info_of(api, session_id)
    assert (info["userId"], info["startTime"]) == ("user-123", 1234567890)
    assert info["metadata"] == START["metadata"]


async def test_the_id_of_another_apps_session_is_a_conflict(api: ApiClient) -> None:
    session_id = await start_sample(api)
    answer = await start(api, sessionId=str(session_id), appId="other")
    assert fault_of(answer) == (409, "session_app_conflict", "sessionId")
    assert (await info_of(api, session_id))["appId"] == "yalo-pos"


@pytest.mark.parametrize("body", [{"events": [CLICK]}, {}])
async def test_events_for_another_apps_session_are_a_conflict(
    api: ApiClient, body: dict[str, Any]
) -> None:
    session_id = await start_sample(api)
    answer = await api.post_events(session_id, body | {"appId": "other"})
    assert fault_of(answer) == (409, "session_app_conflict", None)
    assert (await info_of(api, session_id))["stats"]["totalEvents"] == 0


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"sessionId": "1"}, "sessionId"),
        ({"sessionId": None}, "sessionId"),
        ({"appId": None}, "appId"),
        ({"appId": ""}, "appId"),
        ({"appId": "x" * 51}, "appId"),
        ({"userId": 1}, "userId"),
        ({"userId": "x" * 101}, "userId"),
        ({"ticketId": []}, "ticketId"),
        ({"metadata": []}, "metadata"),
        ({"metadata": "x"}, "metadata"),
        ({"ttlHours": 0}, "ttlHours"),
        ({"ttlHours": 1.5}, "ttlHours"),
    ],
)
async def test_a_bad_start_is_refused_with_its_place(
    api: ApiClient, members: dict[str, Any], where: str
) -> None:
    assert fault_of(await start(api, **members)) == (400, "invalid_body", where)


async def test_a_start_without_session_id_is_refused(api: ApiClient) -> None:
    answer = await api.request("POST", "/api/sessions/start", {"appId": "shop"})
    assert fault_of(answer) == (400, "invalid_body", "sessionId")


async def test_events_before_the_start_create_the_session(api: ApiClient) -> None:
    session_id = uuid4()
    answer = await api.send(session_id, [CLICK], appId="shop", userId="u")
    assert answer.json["firstSequence"] == 0
    info = await info_of(api, session_id)
    assert (info["appId"], info["userId"], info["startTime"]) == ("shop", "u", CLICK["timestamp"])


async def test_a_late_start_fills_the_session_in(api: ApiClient) -> None:
    session_id = uuid4()
    await api.send(session_id, [CLICK], appId="yalo-pos", userId=None)
    await api.request("POST", "/api/sessions/start", START | {"sessionId": str(session_id)})
    info = await info_of(api, session_id)
    assert (info["userId"], info["startTime"]) == ("user-123", 1234567890)
    assert info["metadata"] == START["metadata"]
    assert info["stats"]["totalEvents"] == 1


async def test_events_of_no_app_for_no_session_are_not_found(api: ApiClient) -> None:
    answer = await api.post_events(uuid4(), {"events": [CLICK]})
    assert fault_of(answer) == (404, "session_not_found", None)


@pytest.mark.parametrize("path", ["heartbeat", "end", "events"])
async def test_nothing_for_no_session_is_not_found(api: ApiClient, path: str) -> None:
    answer = await api.post_events(uuid4(), {}, path=path)
    assert fault_of(answer) == (404, "session_not_found", None)


async def test_events_after_the_end_are_kept_and_do_not_undo_it(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.end(session_id, **END)
    await api.send(session_id, [CLICK], appId="yalo-pos")
    info = await info_of(api, session_id)
    assert (info["endTime"], info["duration"], info["live"]) == (1234567999, 109, False)
    assert (await api.replay(session_id))["events"] == [CLICK]


async def test_a_heartbeat_after_the_end_does_not_undo_it(api: ApiClient) -> None:
    session_id = await start_sample(api)
    await api.end(session_id, **END)
    await api.post_events(session_id, HEARTBEAT, path="heartbeat")
    assert (await info_of(api, session_id))["live"] is False


async def test_a_second_end_can_only_be_later(api: ApiClient) -> None:
    session_id = await api.start(startTime=1_700_000_000)
    for time in (1_700_000_050, 1_700_000_070, 1_700_000_060):
        await api.end(session_id, endTime=time)
    assert (await info_of(api, session_id))["endTime"] == 1_700_000_070


async def test_stats_are_counted_from_what_is_stored(api: ApiClient) -> None:
    session_id = await api.start()
    touch = {"type": 3, "data": {"source": 2, "type": 7}, "timestamp": 1}
    events = [META, SNAPSHOT, CLICK, CLICK | {"timestamp": 2}, touch]
    await api.send(session_id, events, customEvents=[CUSTOM_EVENT], errors=[ERROR])
    assert (await info_of(api, session_id))["stats"] == {
        "totalEvents": 5,
        "customEvents": 1,
        "errors": 1,
        "clicks": 2,
        "rageClicks": 0,
        "deadClicks": 0,
    }


@pytest.mark.parametrize("path", ["heartbeat", "end"])
async def test_reports_can_only_raise_the_stats(api: ApiClient, path: str) -> None:
    session_id = await api.start()
    await api.send(session_id, moves(10))
    stats = {"eventCount": 4, "errorCount": 3, "clickCount": 2}
    await api.post_events(session_id, {"stats": stats}, path=path)
    await api.post_events(session_id, {"stats": dict.fromkeys(stats, 1)}, path=path)
    found = (await info_of(api, session_id))["stats"]
    assert (found["totalEvents"], found["errors"], found["clicks"]) == (10, 3, 2)


@pytest.mark.parametrize("path", ["heartbeat", "end"])
@pytest.mark.parametrize("body", [b"", {}, {"stats": None}, {"stats": {}}, {"more": 1}])
async def test_a_heartbeat_and_an_end_may_say_nothing(
    api: ApiClient, path: str, body: object
) -> None:
    session_id = await api.start()
    assert (await api.post_events(session_id, body, path=path)).status == 200


@pytest.mark.parametrize("path", ["heartbeat", "end"])
@pytest.mark.parametrize(
    ("stats", "where"),
    [
        ([], "stats"),
        ({"eventCount": -1}, "stats.eventCount"),
        ({"errorCount": "1"}, "stats.errorCount"),
        ({"clickCount": 2**31}, "stats.clickCount"),
        ({"clickCount": 1.5}, "stats.clickCount"),
    ],
)
async def test_bad_stats_are_refused_with_their_place(
    api: ApiClient, path: str, stats: object, where: str
) -> None:
    session_id = await api.start()
    answer = await api.post_events(session_id, {"stats": stats}, path=path)
    assert fault_of(answer) == (400, "invalid_body", where)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_start_is_no_session(api: ApiClient, method: str) -> None:
    answer = await api.request(method, "/api/sessions/start", key="admin")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
