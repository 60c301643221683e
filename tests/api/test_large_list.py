"""Lists of many sessions: totals, searches that no index serves, clocks that are wrong."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from spectraview.storage import session_lists
from spectraview.storage.database import Database
from tests.api.samples import CUSTOM_EVENT
from tests.api_client import Answer, ApiClient
from tests.conftest import ApiFactory

MAKE_SESSIONS = """
INSERT INTO sessions (
  id, app_id, user_id, page_url, started_at, created_at, expires_at, error_count, ended_at
)
SELECT
  ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'shop', 'user-' || n,
  'https://shop.example/' || n, now() - n * INTERVAL '1 second', now() - n * INTERVAL '1 second',
  now() + INTERVAL '1 day', n %% 10 / 9, now()
FROM generate_series(1, %(count)s) n
"""
COUNT = 12_000


@pytest.fixture
async def crowded(api: ApiClient, database: Database) -> ApiClient:
    """An application with 12,000 sessions, the newest with the lowest number."""
    await database.fetch_all(MAKE_SESSIONS, {"count": COUNT})
    await database.fetch_all("ANALYZE sessions")
    return api


def numbers(answer: Answer) -> list[int]:
    """Return the numbers of the sessions on a page."""
    assert answer.status == 200, answer
    return [int(UUID(entry["sessionId"])) for entry in answer.json["sessions"]]


def number(digits: str) -> int:
    """Return the number of the session whose id has these digits."""
    return int(UUID("00000000-0000-0000-0000-" + digits.rjust(12, "0")))


async def follow(api: ApiClient, query: str) -> AsyncIterator[Answer]:
    """Follow the cursors to the end."""
    cursor = ""
    while cursor is not None:
        answer = await api.get(f"/api/sessions?{query}&cursor={cursor}")
        yield answer
        cursor = answer.json.get("cursor")


async def test_a_total_beyond_ten_thousand_is_an_estimate(crowded: ApiClient) -> None:
    answer = await crowded.get("/api/sessions?limit=1")
    assert answer.json["totalIsEstimate"] is True
    assert answer.json["total"] == pytest.approx(COUNT, rel=0.1)


async def test_a_total_up_to_ten_thousand_is_exact(crowded: ApiClient) -> None:
    answer = await crowded.get("/api/sessions?limit=1&hasErrors=true")
    assert (answer.json["total"], "totalIsEstimate" in answer.json) == (COUNT // 10, False)


async def test_a_cursor_keeps_the_total_of_the_first_page(crowded: ApiClient) -> None:
    totals = [
        (answer.json["total"], answer.json.get("totalIsEstimate"))
        async for answer in follow(crowded, "limit=500&hasErrors=true")
    ]
    assert totals == [(COUNT // 10, None)] * 3


async def test_cursors_lead_through_a_search_that_no_index_serves(
    crowded: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_lists, "_SEARCHED_SESSIONS", 1000)
    pages = [numbers(answer) async for answer in follow(crowded, "q=-7&limit=500")]
    found = [number for page in pages for number in page]
    expected = [number(str(n)) for n in range(1, COUNT + 1) if str(n).startswith("7")]
    assert found == expected
    assert len(pages) >= COUNT // 1000
    assert [] in pages


async def test_without_its_indexes_a_search_finds_the_same(
    crowded: ApiClient,
    make_api: ApiFactory,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_lists, "_SEARCHED_SESSIONS", 1000)
    queries = ("q=user-1199&limit=500", "url=EXAMPLE/1199&limit=500")
    fast = [[n async for a in follow(crowded, query) for n in numbers(a)] for query in queries]
    await database.fetch_all("DROP INDEX idx_sessions_page, idx_sessions_names")
    without = await make_api()
    slow = [[n async for a in follow(without, query) for n in numbers(a)] for query in queries]
    assert fast == slow
    assert len(fast[0]) == len(fast[1]) == 1 + 10


async def test_a_short_search_estimates_its_total(
    crowded: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_lists, "_SEARCHED_SESSIONS", 1000)
    answer = await crowded.get("/api/sessions?q=-&limit=5")
    assert answer.json["totalIsEstimate"] is True
    assert answer.json["total"] == pytest.approx(COUNT, rel=0.1)


async def test_a_client_whose_clock_is_wrong_is_found_by_its_clock(
    api: ApiClient, database: Database
) -> None:
    wrong = await api.start(startTime=1_600_000_000)
    right = await api.start()
    await api.post_events(wrong, {"customEvents": [CUSTOM_EVENT]})
    await api.post_events(right, {"customEvents": [CUSTOM_EVENT]})
    for more in ("", "&customEvent=checkout_started"):
        before = await api.get(f"/api/sessions?to=2024-01-01{more}")
        since = await api.get(f"/api/sessions?from=2024-01-01{more}")
        both = await api.get(f"/api/sessions?from=2000-01-01{more}")
        assert numbers(before) == [int(wrong)]
        assert numbers(since) == [int(right)]
        assert numbers(both) == [int(right), int(wrong)]


async def test_the_cursor_of_a_custom_event_goes_on(make_api: ApiFactory) -> None:
    api = await make_api()
    sessions = [await api.start() for _ in range(5)]
    for session_id in sessions:
        await api.post_events(session_id, {"customEvents": [CUSTOM_EVENT] * 3})
        await api.post_events(session_id, {"customEvents": [CUSTOM_EVENT | {"timestamp": 7}]})
    query = "customEvent=checkout_started&limit=2"
    pages = [numbers(answer) async for answer in follow(api, query)]
    assert [number for page in pages for number in page] == [int(s) for s in sessions[::-1]]


@pytest.mark.parametrize("kind", ["rage", "dead"])
async def test_sessions_with_clicks_of_anger(api: ApiClient, database: Database, kind: str) -> None:
    calm, angry = [await api.start() for _ in range(2)]
    await database.fetch_all(
        f"UPDATE sessions SET {kind}_click_count = 3 WHERE id = %(session_id)s",
        {"session_id": angry},
    )
    found = await api.get(f"/api/sessions?has{kind.title()}Clicks=true")
    assert numbers(found) == [int(angry)]
    assert found.json["sessions"][0][f"{kind}ClickCount"] == 3
    assert numbers(await api.get(f"/api/sessions?has{kind.title()}Clicks=false")) == [int(calm)]
    info = await api.get(f"/api/sessions/{angry}")
    assert info.json["stats"][f"{kind}Clicks"] == 3
