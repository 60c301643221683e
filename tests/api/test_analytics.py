"""Analytics: what a view of all sessions says, errors by what they say, custom events by day."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from spectraview.storage.analytics import AnalyticsStore
from spectraview.storage.database import Database
from tests.api.samples import CLICK, CUSTOM_EVENT, ERROR, fault_of, moves
from tests.api_client import ApiClient
from tests.conftest import ApiFactory

V8 = (
    "TypeError: it failed\nbadly\n"
    "    at pay (https://shop.example/a.js:1:2)\n    at main (a.js:9:9)"
)
FIREFOX = "pay@https://shop.example/a.js:1:2\nmain@a.js:9:9\n"
NEXT_WEEK = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()


@pytest.fixture
def analytics(database: Database) -> AnalyticsStore:
    """The analytics of the test's database."""
    return AnalyticsStore(database)


@pytest.fixture
async def shop_key(api: ApiClient, database: Database) -> str:
    """A key to read of the app `shop` only."""
    text = f"sv_{uuid4().hex}"
    await database.fetch_all(
        "INSERT INTO api_keys (name, key_hash, scopes, app_id)"
        " VALUES ('shop', sha256(%(text)s), '{read}', 'shop')",
        {"text": text.encode()},
    )
    return text


async def read(api: ApiClient, path: str = "", key: str = "read") -> Any:
    """Return an analytics answer."""
    answer = await api.get(f"/api/analytics{path}", key=key)
    assert answer.status == 200, answer
    return answer.json


async def fail(api: ApiClient, session_id: UUID, *errors: dict[str, object]) -> None:
    """Send errors of a page."""
    answer = await api.post_events(session_id, {"errors": [ERROR | error for error in errors]})
    assert answer.status == 200, answer


async def test_a_day_of_an_app(api: ApiClient, analytics: AnalyticsStore) -> None:
    now = int(datetime.now(UTC).timestamp())
    for user in ("anna", "anna", "bert"):
        session_id = await api.start(userId=user, startTime=now)
        await api.post_events(session_id, {"events": [*moves(3), CLICK], "errors": [ERROR]})
        await api.end(session_id, endTime=now + 60)
    await api.start(appId="other")
    assert await analytics.refresh(0)
    answer = await read(api)
    days = {day.pop("appId"): day for day in answer["analytics"]}
    assert days["shop"] == {
        "date": datetime.fromtimestamp(now, UTC).date().isoformat(),
        "totalSessions": 3,
        "uniqueUsers": 2,
        "avgDuration": 60,
        "totalErrors": 3,
        "totalClicks": 3,
        "avgEventsPerSession": 4,
        "sessionsWithErrors": 3,
        "rageClickCount": 0,
        "deadClickCount": 0,
    }
    assert days["other"]["avgDuration"] is None
    age = datetime.now(UTC) - datetime.fromisoformat(answer["refreshedAt"])
    assert timedelta() <= age < timedelta(minutes=1)


async def test_days_are_narrowed(api: ApiClient, analytics: AnalyticsStore, shop_key: str) -> None:
    await api.start()
    await api.start(appId="other")
    await analytics.refresh(0)

    async def apps(query: str, key: str = "read") -> list[str]:
        return [day["appId"] for day in (await read(api, query, key))["analytics"]]

    assert await apps("") == ["other", "shop"]
    assert await apps("?appId=other") == ["other"]
    assert await apps(f"?from={NEXT_WEEK}") == []
    assert await apps(f"?from=2020-01-01&to={NEXT_WEEK}") == ["other", "shop"]
    assert await apps("?to=2020-01-01") == []
    assert await apps("", shop_key) == ["shop"]
    assert await apps("?appId=other", shop_key) == []


async def test_a_refresh_that_is_not_due_is_none(analytics: AnalyticsStore) -> None:
    assert await analytics.refresh(3600)
    assert not await analytics.refresh(3600)
    assert await analytics.refresh(0)


async def test_of_many_that_refresh_at_once_one_does(database_url: str) -> None:
    async with Database(database_url, connections=8, timeout=10) as database:
        stores = [AnalyticsStore(database) for _ in range(8)]
        refreshed = await asyncio.gather(*(store.refresh(3600) for store in stores))
    assert sum(refreshed) == 1


async def test_the_server_refreshes_by_itself(make_api: ApiFactory) -> None:
    api = await make_api(analytics_interval=0.05)
    await api.start(appId="mine")
    async with asyncio.timeout(20):
        while not (await read(api))["analytics"]:
            pass


async def test_errors_are_grouped_by_message_and_top_frame(api: ApiClient) -> None:
    first, second = [await api.start() for _ in range(2)]
    await fail(api, first, {"message": "a", "stack": V8}, {"message": "a", "stack": V8})
    await fail(api, second, {"message": "a", "stack": V8 + "\n    at more (b.js:1:1)"})
    await fail(api, second, {"message": "a", "stack": FIREFOX}, {"message": "b", "stack": V8})
    answer = await read(api, "/errors")
    shown = [(e["message"], e["frame"], e["count"], e["sessions"]) for e in answer["errors"]]
    assert shown == [
        ("a", "at pay (https://shop.example/a.js:1:2)", 3, 2),
        ("a", "pay@https://shop.example/a.js:1:2", 1, 1),
        ("b", "at pay (https://shop.example/a.js:1:2)", 1, 1),
    ]
    assert answer["errors"][0]["sessionIds"] == [str(second), str(first)]
    assert answer["errors"][0]["type"] == "javascript_error"
    assert answer["errors"][0]["firstSeen"] < answer["errors"][0]["lastSeen"]
    assert answer["total"] == 3


async def test_an_error_needs_neither_message_nor_stack(api: ApiClient) -> None:
    session_id = await api.start()
    await api.post_events(session_id, {"errors": [{"type": "odd", "timestamp": 1}]})
    (group,) = (await read(api, "/errors"))["errors"]
    assert (group["type"], group["message"], group["frame"]) == ("odd", None, None)


async def test_errors_are_paged_and_narrowed(api: ApiClient, shop_key: str) -> None:
    shop, other = await api.start(), await api.start(appId="other")
    await fail(api, shop, {"message": "1"}, {"message": "2"}, {"message": "2"})
    await fail(api, other, {"message": "3"})

    async def messages(query: str, key: str = "read") -> list[str]:
        return [group["message"] for group in (await read(api, f"/errors{query}", key))["errors"]]

    assert await messages("?limit=1") == ["2"]
    assert await messages("?limit=1&offset=1") == ["1"]
    assert await messages("?appId=other") == ["3"]
    assert await messages("", shop_key) == ["2", "1"]
    assert await messages("?appId=other", shop_key) == []
    assert await messages("?to=2020-01-01") == []
    assert await messages(f"?from={NEXT_WEEK}&to=2100-01-01") == []
    assert await messages("?from=2020-01-01") == ["2", "1", "3"]


async def test_custom_events_are_counted_by_type_and_day(
    api: ApiClient, database: Database, shop_key: str
) -> None:
    first, second, other = await api.start(), await api.start(), await api.start(appId="other")
    for session_id, count in ((first, 3), (second, 1), (other, 1)):
        events = [CUSTOM_EVENT | {"timestamp": n} for n in range(count)]
        await api.post_events(session_id, {"customEvents": events})
    await api.post_events(second, {"customEvents": [CUSTOM_EVENT | {"eventType": "paid"}]})
    await database.fetch_all(
        "UPDATE custom_events SET created_at = created_at - INTERVAL '1 day'"
        " WHERE session_id = %(session_id)s",
        {"session_id": other},
    )
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    counts = [
        {"eventType": "checkout_started", "date": str(today), "count": 4, "sessions": 2},
        {"eventType": "paid", "date": str(today), "count": 1, "sessions": 1},
        {"eventType": "checkout_started", "date": str(yesterday), "count": 1, "sessions": 1},
    ]
    assert (await read(api, "/events"))["events"] == counts
    assert (await read(api, "/events?limit=1&offset=1"))["events"] == [counts[1]]
    assert (await read(api, "/events?limit=1"))["total"] == 3
    assert (await read(api, "/events?eventType=paid"))["events"] == [counts[1]]
    assert (await read(api, f"/events?to={yesterday}"))["events"] == [counts[2]]
    assert (await read(api, "/events", shop_key))["events"] == counts[:2]


@pytest.mark.parametrize("path", ["", "/errors", "/events"])
async def test_analytics_need_the_scope_to_read(api: ApiClient, path: str) -> None:
    assert fault_of(await api.get(f"/api/analytics{path}", key="ingest"))[0] == 403
    assert fault_of(await api.get(f"/api/analytics{path}", key=None))[0] == 401


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("?from=soon", "from"),
        ("/errors?limit=0", "limit"),
        ("/errors?to=never", "to"),
        ("/events?offset=-1", "offset"),
        ("/events?eventType=%00", "eventType"),
    ],
)
async def test_a_bad_parameter_is_refused(api: ApiClient, path: str, where: str) -> None:
    answer = await api.get(f"/api/analytics{path}")
    assert fault_of(answer) == (400, "invalid_parameter", where)
