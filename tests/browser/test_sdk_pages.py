"""A session goes on over the pages of its tab; what a page could not send, the next one sends."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext, Route

from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.recorded_page import RecordedPages


@pytest.fixture
def pages(context: BrowserContext, browser_app: BrowserApp) -> RecordedPages:
    return RecordedPages(context, browser_app.url, browser_app.keys)


def clicks(events: list[Any]) -> int:
    """Return how many clicks there are."""
    return sum(
        event["type"] == 3 and event["data"]["source"] == 2 and event["data"]["type"] == 2
        for event in events
    )


async def test_a_reload_continues_the_session(pages: RecordedPages) -> None:
    shop = await pages.open()
    first = await shop.session_id()
    await shop.act(3)
    await shop.page.reload()
    assert await shop.session_id() == first
    await shop.act(3)
    assert [event["type"] for event in await shop.check()].count(2) == 2


async def test_a_reload_while_the_server_is_away_loses_nothing(
    pages: RecordedPages, faults: Faults
) -> None:
    faults.expected += ["net::ERR_FAILED", "WebSocket"]
    shop = await pages.open()
    session_id = await shop.session_id()
    await shop.sent()

    async def fail(route: Route) -> None:
        await route.abort()

    await pages.context.route("**/api/sessions/**", fail)
    for _ in range(3):
        await shop.act(15)
        await shop.flush()
        await shop.page.reload()
    await shop.act()
    await pages.context.unroute("**/api/sessions/**")
    await shop.check()
    assert await shop.session_id() == session_id


async def test_closing_the_tab_right_after_a_click_keeps_the_click(pages: RecordedPages) -> None:
    shop = await pages.open()
    session_id = await shop.session_id()
    await shop.sent()
    await shop.page.click("#buy")
    emitted = await shop.emitted()
    await shop.page.close()
    assert clicks(emitted) == 1
    stored = await pages.replayed(session_id, len(emitted))
    assert stored[: len(emitted)] == emitted


async def test_leaving_for_another_site_keeps_what_was_on_its_way(
    pages: RecordedPages, faults: Faults
) -> None:
    shop = await pages.open()
    session_id = await shop.session_id()
    await shop.sent()
    await shop.act(10)
    await shop.flush()
    await shop.page.click("#buy")
    emitted = await shop.emitted()
    await shop.page.goto("about:blank")
    stored = await pages.replayed(session_id, len(emitted))
    assert stored[: len(emitted)] == emitted


async def test_another_visit_sends_what_a_closed_tab_could_not(
    pages: RecordedPages, faults: Faults
) -> None:
    faults.expected += ["net::ERR_FAILED", "WebSocket"]
    shop = await pages.open()
    session_id = await shop.session_id()

    async def fail(route: Route) -> None:
        await route.abort()

    await pages.context.route("**/api/sessions/**", fail)
    await shop.act(5)
    await shop.flush()
    emitted = await shop.emitted()
    await shop.page.close()
    await pages.context.unroute("**/api/sessions/**")
    later = await pages.context.new_page()
    await later.clock.install()
    await later.clock.fast_forward("05:00")
    await later.goto(await pages.serve())
    stored = await pages.replayed(session_id, len(emitted))
    assert stored[: len(emitted)] == emitted


async def test_two_tabs_do_not_mix(pages: RecordedPages) -> None:
    one = await pages.open()
    other = await pages.open()
    assert await one.session_id() != await other.session_id()
    for _ in range(3):
        await one.act()
        await other.act()
    for shop in (one, other):
        await shop.check()


async def test_a_window_that_the_page_opens_has_a_session_of_its_own(
    pages: RecordedPages,
) -> None:
    shop = await pages.open()
    address = shop.page.url
    async with pages.context.expect_page() as opened:
        await shop.page.evaluate("address => void window.open(address)", address)
    popup = await opened.value
    await popup.wait_for_load_state()
    assert await popup.evaluate("SpectraView.sessionId()") != await shop.session_id()


async def test_coming_back_by_the_browsers_cache_goes_on_with_the_session(
    pages: RecordedPages,
) -> None:
    shop = await pages.open()
    session_id = await shop.session_id()
    await shop.act(2)
    await shop.page.evaluate("addEventListener('pageshow', e => { window.kept = e.persisted })")
    await shop.page.goto("about:blank")
    await shop.page.go_back(wait_until="commit")
    assert await shop.page.evaluate("window.kept") is True
    assert await shop.session_id() == session_id
    await shop.act(2)
    await shop.check()
    assert await shop.session_id() == session_id
