"""Somebody who watches sees what happens at once; who does not watch costs the page nothing."""

import time
from statistics import median
from uuid import UUID

import pytest
from playwright.async_api import BrowserContext

from tests.api_client import LiveClient
from tests.browser.browser_app import BrowserApp
from tests.browser.recorded_page import RecordedPage, RecordedPages


@pytest.fixture
def pages(context: BrowserContext, browser_app: BrowserApp) -> RecordedPages:
    return RecordedPages(context, browser_app.url, browser_app.keys)


async def next_of_type(live: LiveClient, kind: int) -> int:
    """Return the timestamp of the next event of a type."""
    while (event := await live.next())["type"] != kind:
        pass
    return int(event["timestamp"])


async def click_latency(shop: RecordedPage, live: LiveClient) -> float:
    """Return how many milliseconds a click needs to a viewer."""
    await shop.page.click("#buy")
    while True:
        event = await live.next()
        if event["type"] == 3 and event["data"]["source"] == 2 and event["data"]["type"] == 2:
            return float(time.time() * 1000 - event["timestamp"])


async def test_a_viewer_sees_a_click_within_a_second(
    pages: RecordedPages, browser_app: BrowserApp
) -> None:
    shop = await pages.open()
    await shop.act()
    await shop.sent()
    async with browser_app.api.watch(UUID(await shop.session_id())) as live:
        latencies = [await click_latency(shop, live) for _ in range(15)]
    print(f"a click needs {median(latencies):.0f} ms, {max(latencies):.0f} ms at most")
    assert median(latencies) < 1000
    await shop.check()


async def test_who_joins_late_gets_a_fresh_snapshot_at_once(
    pages: RecordedPages, browser_app: BrowserApp
) -> None:
    shop = await pages.open()
    await shop.sent()
    await shop.page.wait_for_timeout(5100)  # the first one is no longer fresh
    joined = time.time() * 1000
    async with browser_app.api.watch(UUID(await shop.session_id())) as live:
        while await next_of_type(live, 2) < joined:
            pass
    assert time.time() * 1000 - joined < 3000
    await shop.check()


async def test_when_nobody_watches_any_more_batches_are_rare_again(
    pages: RecordedPages, browser_app: BrowserApp
) -> None:
    shop = await pages.open()
    await shop.sent()
    async with browser_app.api.watch(UUID(await shop.session_id())) as live:
        await click_latency(shop, live)
    # The server tells within a second; what was due before goes out first.
    await shop.page.wait_for_timeout(1500)
    posts: list[str] = []
    shop.page.on("request", lambda request: posts.append(request.method))
    for _ in range(8):
        await shop.page.click("#buy")
        await shop.page.wait_for_timeout(250)
    assert posts == []
    await shop.check()
