"""The console's list: who may see it, what narrows it, and how it keeps up."""

from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.api.samples import CUSTOM_EVENT, ERROR
from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.console_page import ConsolePage
from tests.recordings import load_recording

NEW_YEAR = 1_704_067_200


@pytest.mark.parametrize("scope", ["read", "admin"])
async def test_a_key_that_may_read_opens_the_list(console: ConsolePage, scope: str) -> None:
    session_id = await console.app.api.start(userId="anna")
    await console.sign_in(scope)
    await expect(console.rows).to_have_count(1)
    link = console.page.get_by_role("link", name="anna")
    assert str(session_id) in (await link.get_attribute("href") or "")


@pytest.mark.parametrize(
    ("key", "said"),
    [("ingest", "This key can only record"), ("sv_read_no", "unknown or was revoked")],
)
async def test_a_key_that_may_not_read_is_refused_with_the_reason(
    console: ConsolePage, faults: Faults, key: str, said: str
) -> None:
    faults.expected += ["status of 403", "status of 401"]
    await console.sign_in(key)
    await expect(console.page.get_by_role("alert")).to_contain_text(said)


async def test_the_key_stays_in_its_tab_unless_it_shall_be_remembered(console: ConsolePage) -> None:
    page, other = console.page, await console.page.context.new_page()
    await console.sign_in()
    await expect(page.locator("main h1")).to_have_text("Sessions")
    await page.reload()
    await expect(page.locator("main h1")).to_have_text("Sessions")
    await other.goto(console.app.url)
    await other.get_by_label("API key").fill(console.app.keys["read"])
    await other.get_by_label("Remember on this device").check()
    await other.get_by_role("button", name="Sign in").click()
    await expect(other.locator("main h1")).to_have_text("Sessions")
    third = await page.context.new_page()
    await third.goto(console.app.url)
    await expect(third.locator("main h1")).to_have_text("Sessions")
    await third.get_by_role("button", name="Sign out").click()
    await third.reload()
    await expect(third.get_by_label("API key")).to_be_visible()


async def _start_many(app: BrowserApp) -> dict[str, UUID]:
    api = app.api
    started = {
        "failed": await api.start(userId="failed", appId="shop", startTime=NEW_YEAR),
        "bought": await api.start(userId="bought", appId="shop", startTime=NEW_YEAR + 10 * 86_400),
        "asked": await api.start(userId="asked", appId="shop", ticketId="T-1"),
        "other": await api.start(userId="other", appId="office"),
        "long": await api.start(userId="long", appId="office", startTime=NEW_YEAR + 86_400),
    }
    await api.send(started["failed"], [], errors=[ERROR], appId="shop")
    await api.send(started["bought"], [], customEvents=[CUSTOM_EVENT], appId="shop")
    await api.end(started["long"], endTime=NEW_YEAR + 86_400 + 600)
    return started


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("App", "office", ["long", "other"]),
        ("User", "asked", ["asked"]),
        ("Ticket", "T-1", ["asked"]),
        ("Custom event", CUSTOM_EVENT["eventType"], ["bought"]),
        ("From", "2024-01-05", ["asked", "bought", "other"]),
        ("To", "2024-01-05", ["failed", "long"]),
        ("Least duration (s)", "600", ["long"]),
    ],
)
async def test_a_field_narrows_the_list(
    console: ConsolePage, field: str, value: str, found: list[str]
) -> None:
    await _start_many(console.app)
    await console.sign_in()
    await expect(console.rows).to_have_count(5)
    await console.page.get_by_role("button", name="Filters").click()
    await console.page.get_by_label(field, exact=True).fill(value)
    await expect(console.rows).to_have_count(len(found))
    users = await console.texts(console.page.locator(".who a"))
    assert sorted(users) == found


async def test_switches_and_the_search_narrow_the_list_and_stay_in_the_address(
    console: ConsolePage,
) -> None:
    await _start_many(console.app)
    await console.sign_in()
    await expect(console.rows).to_have_count(5)
    await console.page.get_by_role("button", name="Errors").click()
    await expect(console.rows).to_have_count(1)
    await console.page.reload()
    await expect(console.rows).to_have_count(1)
    await console.page.get_by_role("button", name="Clear filters").click()
    await console.page.get_by_role("button", name="Live").click()
    await expect(console.rows).to_have_count(4)
    await console.page.get_by_role("searchbox").fill("oth")
    await expect(console.rows).to_have_count(1)
    await console.page.get_by_role("searchbox").fill("nobody")
    await expect(console.page.get_by_text("No session matches")).to_be_visible()


async def test_what_begins_and_ends_shows_without_a_reload(console: ConsolePage) -> None:
    await console.sign_in()
    await expect(console.page.get_by_text("No sessions yet")).to_be_visible()
    events = load_recording("todo-small")
    session_id = await console.app.api.start(userId="anna", startTime=events[0]["timestamp"])
    row = console.rows.filter(has_text="anna")
    await expect(row.get_by_text("LIVE")).to_be_visible(timeout=15_000)
    await console.app.api.upload(session_id, events)
    await console.app.api.end(session_id)
    await expect(row.get_by_text("0:22")).to_be_visible(timeout=15_000)
    await expect(row.get_by_text("LIVE")).to_have_count(0)


async def test_scrolling_brings_older_sessions(console: ConsolePage) -> None:
    for number in range(120):
        await console.app.api.start(userId=f"user-{number}")
    await console.sign_in()
    await expect(console.page.get_by_role("status")).to_have_text("120 sessions")
    for _ in range(20):
        if await console.rows.count() == 120:
            break
        await console.page.mouse.wheel(0, 4000)
        await expect(console.page.get_by_text("Loading more…")).to_have_count(0)
    await expect(console.rows).to_have_count(120)
    await expect(console.page.get_by_text("These are all sessions.")).to_be_visible()
