"""What recording costs the page: the SDK's size, its time for each event, and what it sends."""

import gzip

import pytest
from playwright.async_api import BrowserContext

from spectraview.web.assets import DIST
from tests.browser.browser_app import BrowserApp
from tests.browser.recorded_page import RecordedPages

_USE = """async () => {
  const list = document.getElementById('list');
  for (let round = 0; round < 1000; round++) {
    const item = document.createElement('li');
    item.innerHTML = `<b>Plant ${round}</b> <span class="price">€ ${round % 40}.00</span>`;
    list.append(item);
    if (list.children.length > 40) list.firstChild.remove();
    await new Promise((resolve) => setTimeout(resolve));
  }
}"""


def test_the_sdk_is_small() -> None:
    size = len(gzip.compress((DIST / "sdk" / "sdk.js").read_bytes(), 9))
    print(f"sdk.js: {size} bytes gzip'd, rrweb included")
    assert size < 60_000


async def test_recording_costs_the_page_little(
    context: BrowserContext, browser_app: BrowserApp
) -> None:
    shop = await RecordedPages(context, browser_app.url, browser_app.keys).open()
    await shop.page.evaluate(_USE)
    await shop.check()
    cost = await shop.page.evaluate("SpectraView.stats()")
    events = cost["events"]
    assert events > 1000
    print(
        f"{events} events in {cost['batches']} batches: {1000 * cost['milliseconds'] / events:.0f} "
        f"µs, {cost['bytes'] / events:.0f} characters of JSON and {cost['sentBytes'] / events:.0f} "
        "sent for each"
    )
    assert cost["milliseconds"] / events == pytest.approx(0, abs=0.5)
    assert cost["sentBytes"] < cost["bytes"] / 2
