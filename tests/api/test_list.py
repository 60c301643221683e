"""The list of sessions: what narrows it, and how it is paged."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from tests.api.samples import CLICK, CUSTOM_EVENT, ERROR, fault_of
from tests.api_client import ApiClient

DAY = 86_400
NEW_YEAR = 1_704_067_200  # 2024-01-01T00:00:00Z
SHOP = {"url": "https://shop.example/cart"}


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
def app_id() -> str:
    """An app of the test's own, so that its lists hold only its sessions."""
    return f"app-{uuid4().hex}"


async def listed(api: ApiClient, app_id: str, query: str = "") -> list[UUID]:
    """Return the ids of a list, whose total must agree."""
    answer = await api.get(f"/api/sessions?appId={app_id}&{query}")
    assert answer.status == 200, answer
    assert answer.json["total"] == len(answer.json["sessions"])
    assert "totalIsEstimate" not in answer.json
    return [UUID(entry["sessionId"]) for entry in answer.json["sessions"]]


async def send(api: ApiClient, session_id: UUID, **members: object) -> None:
    """Post a batch that names no app."""
    answer = await api.post_events(session_id, members)
    assert answer.status == 200, answer


async def test_the_newest_session_comes_first(api: ApiClient, app_id: str) -> None:
    sessions = [await api.start(appId=app_id) for _ in range(3)]
    assert await listed(api, app_id) == sessions[::-1]


async def test_an_entry_says_what_its_session_says(api: ApiClient, app_id: str) -> None:
    session_id = await api.start(appId=app_id, startTime=NEW_YEAR, ticketId="T-1", metadata=SHOP)
    await send(api, session_id, events=[CLICK], errors=[ERROR])
    await api.end(session_id, endTime=NEW_YEAR + 60)
    answer = await api.get(f"/api/sessions?appId={app_id}")
    assert answer.json["sessions"] == [
        {
            "sessionId": str(session_id),
            "userId": "user-123",
            "appId": app_id,
            "ticketId": "T-1",
            "startTime": NEW_YEAR,
            "endTime": NEW_YEAR + 60,
            "duration": 60,
            "errorCount": 1,
            "eventCount": 1,
            "clickCount": 1,
            "rageClickCount": 0,
            "deadClickCount": 0,
            "url": "https://shop.example/cart",
            "live": False,
        }
    ]


async def test_an_app_that_is_not_there_has_no_sessions(api: ApiClient, app_id: str) -> None:
    assert await listed(api, app_id) == []


@pytest.mark.parametrize("user", ["anna", "á & b=%", "'; DROP TABLE sessions; --"])
async def test_a_user(api: ApiClient, app_id: str, user: str) -> None:
    wanted = await api.start(appId=app_id, userId=user)
    await api.start(appId=app_id, userId=user + "2")
    assert await listed(api, app_id, f"userId={quote(user)}") == [wanted]


async def test_a_ticket(api: ApiClient, app_id: str) -> None:
    wanted = await api.start(appId=app_id, ticketId="T-1")
    await api.start(appId=app_id)
    assert await listed(api, app_id, "ticketId=T-1") == [wanted]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2024-01-02", [1, 2]),
        ("to=2024-01-02", [0, 1]),
        ("from=2024-01-02&to=2024-01-02", [1]),
        ("from=2024-01-02T00:00:00Z", [1, 2]),
        ("from=2024-01-02T00:00:01Z", [2]),
        ("from=2024-01-02T00:00:00", [1, 2]),
        ("to=2024-01-02T00:00:00.000Z", [0, 1]),
        ("to=2024-01-01T23:59:59Z", [0]),
        ("from=2024-01-02T01:00:00%2B01:00", [1, 2]),
        ("from=2024-01-02T01:00:00+01:00", [1, 2]),
        ("from=2024-01-02T20:00:00%2B20:00", [1, 2]),
        ("from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", [0, 1, 2]),
        ("from=2025-01-01", []),
    ],
)
async def test_a_span_of_time(api: ApiClient, app_id: str, query: str, found: list[int]) -> None:
    sessions = [await api.start(appId=app_id, startTime=NEW_YEAR + day * DAY) for day in range(3)]
    assert await listed(api, app_id, query) == [sessions[day] for day in found[::-1]]


@pytest.mark.parametrize(("true", "false"), [("true", "false"), ("1", "0")])
async def test_sessions_with_and_without_errors(
    api: ApiClient, app_id: str, true: str, false: str
) -> None:
    smooth = await api.start(appId=app_id)
    failed = await api.start(appId=app_id)
    reported = await api.start(appId=app_id)
    await send(api, failed, errors=[ERROR])
    await api.end(reported, stats={"errorCount": 1})
    assert await listed(api, app_id, f"hasErrors={true}") == [reported, failed]
    assert await listed(api, app_id, f"hasErrors={false}") == [smooth]


async def test_sessions_that_go_on_and_that_have_ended(api: ApiClient, app_id: str) -> None:
    live = await api.start(appId=app_id)
    ended = await api.start(appId=app_id)
    await api.end(ended)
    assert await listed(api, app_id, "live=true") == [live]
    assert await listed(api, app_id, "live=false") == [ended]


async def test_sessions_with_a_custom_event(api: ApiClient, app_id: str) -> None:
    wanted = await api.start(appId=app_id)
    await api.start(appId=app_id)
    await send(api, wanted, customEvents=[CUSTOM_EVENT] * 2)
    assert await listed(api, app_id, "customEvent=checkout_started") == [wanted]
    assert await listed(api, app_id, "customEvent=checkout") == []


async def test_sessions_of_a_least_duration(api: ApiClient, app_id: str) -> None:
    short, long = [await api.start(appId=app_id, startTime=NEW_YEAR) for _ in range(2)]
    await api.end(short, endTime=NEW_YEAR + 59)
    await api.end(long, endTime=NEW_YEAR + 60)
    assert await listed(api, app_id, "minDuration=60") == [long]
    assert await listed(api, app_id, "minDuration=0") == [long, short]


async def test_a_session_that_goes_on_has_its_duration_so_far(api: ApiClient, app_id: str) -> None:
    await api.start(appId=app_id, startTime=NEW_YEAR)
    running = await api.start(appId=app_id, startTime=NEW_YEAR)
    await send(api, running, events=[{"type": 3, "timestamp": (NEW_YEAR + 60) * 1000}])
    assert await listed(api, app_id, "minDuration=60") == [running]
    assert await listed(api, app_id, "minDuration=61") == []


@pytest.mark.parametrize("text", ["Anna", "ann", "t-77", "CHECKOUT?a=1", "100%25", "a_b", "%5C"])
async def test_a_search_finds_users_tickets_and_pages(
    api: ApiClient, app_id: str, text: str
) -> None:
    metadata = {"url": "https://shop.example.com/checkout?a=1&b=100%&c=a_b\\"}
    wanted = await api.start(appId=app_id, userId="anna@x", ticketId="T-77", metadata=metadata)
    await api.start(appId=app_id, userId="bert", metadata={"url": "https://axb.example.com/1000"})
    assert await listed(api, app_id, f"q={text}") == [wanted]


async def test_a_search_finds_a_session_id(api: ApiClient, app_id: str) -> None:
    wanted, _ = [await api.start(appId=app_id) for _ in range(2)]
    assert await listed(api, app_id, f"q={str(wanted)[:23]}") == [wanted]


async def test_a_search_finds_only_the_beginning_of_a_session_id(
    api: ApiClient, app_id: str
) -> None:
    session_id = await api.start(appId=app_id)
    assert await listed(api, app_id, f"q={str(session_id)[1:]}") == []


async def test_sessions_of_a_most_duration(api: ApiClient, app_id: str) -> None:
    short, long = [await api.start(appId=app_id, startTime=NEW_YEAR) for _ in range(2)]
    new = await api.start(appId=app_id)
    await api.end(short, endTime=NEW_YEAR + 59)
    await api.end(long, endTime=NEW_YEAR + 60)
    assert await listed(api, app_id, "maxDuration=59") == [new, short]
    assert await listed(api, app_id, "minDuration=60&maxDuration=60") == [long]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
async def test_sessions_with_so_many_errors(api: ApiClient, app_id: str, count: int) -> None:
    few, many, reported = [await api.start(appId=app_id) for _ in range(3)]
    await send(api, few, errors=[ERROR | {"timestamp": n} for n in range(count - 1)])
    await send(api, many, errors=[ERROR | {"timestamp": n} for n in range(count)])
    await api.end(reported, stats={"errorCount": count})
    assert await listed(api, app_id, f"minErrors={count}") == [reported, many]
    assert await listed(api, app_id, "minErrors=0") == [reported, many, few]


@pytest.mark.parametrize("text", ["shop.example", "/CART", "example/c", "/c", "?"])
async def test_pages_by_a_part_of_their_address(api: ApiClient, app_id: str, text: str) -> None:
    wanted = await api.start(appId=app_id, metadata={"url": SHOP["url"] + "?a"})
    await api.start(appId=app_id, userId="shop.example/cart?a", metadata={"url": "https://x.org"})
    assert await listed(api, app_id, f"url={quote(text)}") == [wanted]


async def test_sessions_by_what_their_errors_say(api: ApiClient, app_id: str) -> None:
    wanted, other = [await api.start(appId=app_id) for _ in range(2)]
    await send(api, wanted, errors=[ERROR, ERROR | {"message": "100% of the cart is gone"}])
    await send(api, other, errors=[ERROR])
    assert await listed(api, app_id, "errorMessage=100%25 OF") == [wanted]
    assert await listed(api, app_id, "errorMessage=cannot") == [other, wanted]
    assert await listed(api, app_id, "errorMessage=cannot&hasErrors=false") == []


async def test_searches_and_filters_narrow_together(api: ApiClient, app_id: str) -> None:
    wanted, without_event, without_error = [
        await api.start(appId=app_id, userId="é1") for _ in range(3)
    ]
    for session_id in (wanted, without_error):
        await send(api, session_id, customEvents=[CUSTOM_EVENT])
    for session_id in (wanted, without_event):
        await send(api, session_id, errors=[ERROR])
    filters = "customEvent=checkout_started&live=true&minErrors=1&q=%C3%A91&errorMessage=cannot"
    assert await listed(api, app_id, filters) == [wanted]
    assert await listed(api, app_id, "customEvent=checkout_started&q=%C3%A91") == [
        without_error,
        wanted,
    ]


async def test_filters_narrow_together(api: ApiClient, app_id: str) -> None:
    for user in ("a", "b"):
        for ticket in ("1", "2"):
            await api.start(appId=app_id, userId=user, ticketId=ticket)
    assert len(await listed(api, app_id, "userId=a&ticketId=2&live=true&hasErrors=false")) == 1


async def test_an_empty_filter_is_none(api: ApiClient, app_id: str) -> None:
    session_id = await api.start(appId=app_id)
    query = (
        "userId=&ticketId=&q=&from=&to=&hasErrors=&live=&minDuration=&customEvent=&limit="
        "&minErrors=&maxDuration=&hasRageClicks=&hasDeadClicks=&url=&errorMessage="
    )
    assert await listed(api, app_id, query) == [session_id]


async def test_an_offset_skips_what_came_before(api: ApiClient, app_id: str) -> None:
    sessions = [await api.start(appId=app_id) for _ in range(5)]
    answer = (await api.get(f"/api/sessions?appId={app_id}&limit=2&offset=2")).json
    assert [UUID(entry["sessionId"]) for entry in answer["sessions"]] == sessions[1:3][::-1]
    assert (answer["total"], answer["limit"], answer["offset"]) == (5, 2, 2)


async def pages(api: ApiClient, path: str) -> AsyncIterator[list[UUID]]:
    """Follow the cursors to the end."""
    cursor = ""
    while cursor is not None:
        answer = (await api.get(f"{path}&cursor={cursor}")).json
        yield [UUID(entry["sessionId"]) for entry in answer["sessions"]]
        cursor = answer.get("cursor")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_cursors_lead_through_all_sessions(api: ApiClient, app_id: str, limit: int) -> None:
    sessions = [await api.start(appId=app_id) for _ in range(7)]
    path = f"/api/sessions?appId={app_id}&limit={limit}"
    found = [session_id async for page in pages(api, path) for session_id in page]
    assert found == sessions[::-1]


async def test_cursors_neither_lose_nor_repeat_while_sessions_arrive(
    api: ApiClient, app_id: str
) -> None:
    sessions = [await api.start(appId=app_id) for _ in range(7)]
    found: list[UUID] = []
    async for page in pages(api, f"/api/sessions?appId={app_id}&limit=2"):
        found += page
        await api.start(appId=app_id)
    assert found == sessions[::-1]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("offset=-1", "offset"),
        ("offset=10001", "offset"),
        ("minDuration=-1", "minDuration"),
        ("minDuration=2147483648", "minDuration"),
        ("maxDuration=x", "maxDuration"),
        ("minErrors=-1", "minErrors"),
        ("hasRageClicks=2", "hasRageClicks"),
        ("hasDeadClicks=no", "hasDeadClicks"),
        ("url=%00", "url"),
        ("errorMessage=" + "x" * 201, "errorMessage"),
        ("hasErrors=yes", "hasErrors"),
        ("live=TRUE", "live"),
        ("from=yesterday", "from"),
        ("to=2024-13-01", "to"),
        ("from=0001-01-01T00:00:00%2B15:00", "from"),
        ("to=9999-12-31T23:59:59-23:59", "to"),
        ("cursor=x", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("q=%00", "q"),
        ("userId=a%0Ab", "userId"),
        ("appId=" + "x" * 201, "appId"),
        ("customEvent=%ED%A0%80%00", "customEvent"),
    ],
)
async def test_a_bad_parameter_is_refused_with_its_name(
    api: ApiClient, query: str, where: str
) -> None:
    answer = await api.get(f"/api/sessions?{query}")
    assert fault_of(answer) == (400, "invalid_parameter", where)


async def test_the_longest_page_is_configured(make_api: Any) -> None:
    api = await make_api(max_list=3)
    assert (await api.get("/api/sessions?limit=3")).status == 200
    assert (await api.get("/api/sessions")).json["limit"] == 3
    assert fault_of(await api.get("/api/sessions?limit=4")) == (400, "invalid_parameter", "limit")


@pytest.mark.parametrize("text", ["%00", "shop%0A", "%7F", "x" * 201])
async def test_a_filter_takes_no_control_characters(api: ApiClient, text: str) -> None:
    answer = await api.get(f"/api/sessions?userId={text}")
    assert (answer.status, answer.json["where"]) == (400, "userId")
