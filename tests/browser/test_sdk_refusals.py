"""What the server refuses for good is dropped and told; it is never tried for ever."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext, Route

from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.conftest import BrowserAppFactory
from tests.browser.recorded_page import RecordedPage, RecordedPages

_TOLD = """<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<button id="buy">Buy</button><input id="name"><ul id="list"></ul>
<script src="/sdk.js"></script>
<script>
window.told = [];
document.getElementById('buy').onclick = () => {
  document.getElementById('list').append(document.createElement('li'));
};
SpectraView.init({ ...%s, onError: (problem) => window.told.push(problem) });
</script>
"""


@pytest.fixture
def pages(context: BrowserContext, browser_app: BrowserApp, faults: Faults) -> RecordedPages:
    faults.expected += ["401", "413", "net::ERR_FAILED", "WebSocket"]
    return RecordedPages(context, browser_app.url, browser_app.keys)


async def told(shop: RecordedPage, count: int = 1) -> list[Any]:
    """Return what the page was told of, once there is so much."""
    await shop.page.wait_for_function(f"window.told.length >= {count}")
    return list(await shop.page.evaluate("window.told"))


async def test_a_refused_batch_is_told_and_a_full_snapshot_follows(
    make_browser_app: BrowserAppFactory, context: BrowserContext, faults: Faults
) -> None:
    faults.expected += ["413"]
    app = await make_browser_app(max_events=30)
    shop = await RecordedPages(context, app.url, app.keys).open(html=_TOLD)
    await shop.sent()
    await shop.page.evaluate(
        """async () => {
          for (let round = 0; round < 45; round++) {
            document.getElementById('list').append(document.createElement('li'));
            await new Promise((resolve) => setTimeout(resolve));
          }
        }"""
    )
    await shop.flush()
    (problem,) = await told(shop)
    assert problem["code"] == "too_many_events"
    assert problem["lostEvents"] > 30
    await shop.act()
    sent = await shop.sent()
    stored = (await shop.pages.replay(await shop.session_id()))["events"]
    pairs = enumerate(zip(stored, sent, strict=False))
    kept = next(place for place, (one, other) in pairs if one != other)
    assert stored == sent[:kept] + sent[kept + problem["lostEvents"] :]
    assert [event["type"] for event in stored[kept : kept + 2]] == [4, 2]


async def test_a_key_that_may_not_write_stops_the_recording(pages: RecordedPages) -> None:
    shop = await pages.open(html=_TOLD, key="sv_ingest_nonsense", listen=False)
    assert (await told(shop))[0]["code"] == "unauthorized"
    requests: list[str] = []
    shop.page.on("request", lambda request: requests.append(request.url))
    before = await shop.emitted()
    await shop.act(3)
    await shop.flush()
    await shop.page.wait_for_timeout(500)
    assert (requests, await shop.emitted()) == ([], before)


async def test_a_deleted_session_is_followed_by_a_new_one(
    pages: RecordedPages, browser_app: BrowserApp, faults: Faults
) -> None:
    faults.expected += ["410", "404"]
    shop = await pages.open(html=_TOLD)
    await shop.sent()
    deleted = await shop.session_id()
    path = f"/api/sessions/{deleted}"
    assert (await browser_app.api.request("DELETE", path, key="admin")).status < 300
    await shop.act()
    await shop.flush()
    assert (await told(shop))[0]["code"] in ("session_deleted", "session_not_found")
    assert await shop.session_id() != deleted
    await shop.act()
    sent = await shop.sent()
    stored = (await pages.replay(await shop.session_id()))["events"]
    assert [event["type"] for event in stored[:2]] == [4, 2]
    assert stored == sent[-len(stored) :]


async def test_too_much_unsent_pauses_the_recording_until_the_server_takes_it(
    pages: RecordedPages,
) -> None:
    shop = await pages.open(html=_TOLD, maxUnsent=10_000)
    before = await shop.sent()

    async def fail(route: Route) -> None:
        await route.abort()

    await pages.context.route("**/events", fail)
    for _ in range(100):
        await shop.act()
        await shop.flush()
        if await shop.page.evaluate("window.told.length"):
            break
    (problem,) = await told(shop)
    assert problem["code"] == "unsent_limit"
    paused = len(await shop.emitted())
    await shop.act(2)
    assert len(await shop.emitted()) == paused
    await pages.context.unroute("**/events")
    await shop.page.evaluate("dispatchEvent(new Event('online'))")
    await shop.page.wait_for_function(f"window.emitted.length >= {paused + 2}")
    stored = await shop.check()
    assert len(before) < paused
    assert [event["type"] for event in stored[paused : paused + 2]] == [4, 2]
