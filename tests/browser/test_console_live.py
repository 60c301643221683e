"""The console shows a session while it happens: the same page, node by node."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.browser.console_page import ConsolePage
from tests.browser.recorder import RecordedPage

PAGE = """<!doctype html><title>Shop</title><body>
<h1>Shop</h1>
<form><label>Name <input id="name"></label> <input id="secret" type="password">
<label><input id="news" type="checkbox"> News</label>
<select id="size"><option>S</option><option>M</option></select>
<textarea id="note"></textarea></form>
<button id="add" type="button">Add</button> <button id="ask" type="button">Ask</button>
<ul id="items"></ul>
<dialog id="sure"><p>Sure?</p><button id="yes" type="button">Yes</button></dialog>
<script>
  let count = 0;
  add.onclick = () => {
    const item = document.createElement('li');
    item.textContent = `item ${++count}`;
    item.className = count % 2 ? 'odd' : 'even';
    items.append(item);
  };
  ask.onclick = () => sure.showModal();
  yes.onclick = () => sure.close();
</script></body>
"""


@pytest.fixture
async def shop(console: ConsolePage) -> AsyncIterator[RecordedPage]:
    """A page in another window that is being recorded."""
    page = await console.page.context.new_page()
    address = "http://shop.example/"
    await page.route(address, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    await page.goto(address)
    session_id = await console.app.api.start(userId="anna")
    shop = RecordedPage(page, console.app.api, session_id)
    await shop.start()
    sending = asyncio.create_task(shop.keep_flushing(), name="flush the recorder")
    yield shop
    sending.cancel()


async def test_what_is_typed_clicked_and_opened_shows_in_the_live_view(
    console: ConsolePage, shop: RecordedPage
) -> None:
    await console.open(shop.session_id)
    await console.status_becomes("playing")
    page = shop.page
    await page.fill("#name", "Anna")
    await page.fill("#secret", "hunter2")
    await page.check("#news")
    await page.select_option("#size", "M")
    await page.fill("#note", "two\nlines")
    for _ in range(3):
        await page.click("#add")
    await console.shows("item 3")
    await console.equals(page)
    await page.click("#ask")
    await console.becomes("DOCUMENT.querySelector('#sure').matches(':modal')")
    await console.equals(page)
    await page.click("#yes")
    await console.becomes("!DOCUMENT.querySelector('#sure').open")
    await console.equals(page)
    secret = await console.recorded("DOCUMENT.querySelector('#secret').value")
    assert secret == "*" * len("hunter2")


async def test_a_late_viewer_begins_at_the_newest_snapshot_and_reads_older_events_when_asked(
    console: ConsolePage, shop: RecordedPage
) -> None:
    await shop.page.click("#add")
    await shop.takes_snapshot()
    await shop.page.click("#add")
    await console.open(shop.session_id)
    await console.shows("item 2")
    await console.equals(shop.page)
    await console.page.keyboard.press("k")
    await console.seek(0)
    await console.becomes("!DOCUMENT.body.textContent.includes('item 1')")
    await console.page.keyboard.press("l")
    await console.shows("item 2")


async def test_a_live_session_is_paused_and_rewound_while_it_goes_on(
    console: ConsolePage, shop: RecordedPage
) -> None:
    await console.open(shop.session_id)
    await shop.page.click("#add")
    await console.shows("item 1")
    await console.page.keyboard.press("k")
    await console.status_becomes("paused")
    await shop.page.click("#add")
    await expect(console.page.get_by_role("button", name="Go live")).to_be_visible()
    await console.page.wait_for_timeout(1500)
    assert not await console.recorded("DOCUMENT.body.textContent.includes('item 2')")
    await console.page.get_by_role("button", name="Go live").click()
    await console.shows("item 2")
    await shop.page.click("#add")
    await console.shows("item 3")
    await console.equals(shop.page)


async def test_viewers_are_counted_and_errors_and_events_come_in(
    console: ConsolePage, shop: RecordedPage
) -> None:
    await console.open(shop.session_id)
    await expect(console.page.get_by_text("1 viewer")).to_be_visible()
    await console.shows("Shop")
    error = {"type": "TypeError", "message": "no price", "stack": "at cart.js:48", "timestamp": 1}
    event = {"eventType": "checkout", "timestamp": 1, "data": {"total": 99}}
    await shop.flush(errors=[error], customEvents=[event])
    await console.page.get_by_role("tab", name="Errors").click()
    await expect(console.page.get_by_text("no price")).to_be_visible()
    await console.page.get_by_text("Stack").click()
    await expect(console.page.get_by_text("at cart.js:48")).to_be_visible()
    await console.page.get_by_role("tab", name="Events").click()
    await expect(console.page.get_by_role("tabpanel").get_by_text("checkout")).to_be_visible()


async def test_the_live_view_comes_back_after_the_network_was_away(
    console: ConsolePage, shop: RecordedPage
) -> None:
    sockets = []
    await console.page.route_web_socket(
        "**/live**", lambda socket: sockets.append((socket, socket.connect_to_server()))
    )
    await console.open(shop.session_id)
    await shop.page.click("#add")
    await console.shows("item 1")
    await sockets[0][0].close(code=3001)
    await shop.page.click("#add")
    await console.shows("item 2")
    assert len(sockets) == 2
    await console.equals(shop.page)


async def test_a_session_that_ends_becomes_a_recording(
    console: ConsolePage, shop: RecordedPage
) -> None:
    await console.open(shop.session_id)
    await shop.page.click("#add")
    await console.shows("item 1")
    await console.app.api.end(shop.session_id)
    await expect(console.page.locator(".session-head").get_by_text("Recorded")).to_be_visible()
    await console.status_becomes("ended")
    await console.seek(0)
    await console.becomes("!DOCUMENT.body.textContent.includes('item 1')")
