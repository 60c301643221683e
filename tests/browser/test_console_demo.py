"""Two windows: what somebody does in the demo shop, somebody else sees in the console."""

import statistics
import time
from collections.abc import Callable
from uuid import UUID

from playwright.async_api import Page

from tests.browser.console_page import ConsolePage

_NOTES = 12


async def _open_both(console: ConsolePage) -> Page:
    """Open the shop in a window of its own, and the console on its session."""
    shop = await (await console.page.context.browser.new_context()).new_page()  # type: ignore[union-attr]
    await shop.goto(f"{console.app.url}/demo")
    await shop.wait_for_function("() => SpectraView.sessionId()")
    await console.open(UUID(await shop.evaluate("SpectraView.sessionId()")))
    await console.shows("Your account")
    return shop


async def test_typing_clicking_and_a_modal_show_as_they_are(console: ConsolePage) -> None:
    shop = await _open_both(console)
    await shop.fill("[name=name]", "Anna")
    await shop.fill("[name=password]", "hunter2")
    await shop.fill("[name=email]", "anna@example.org")
    await shop.check("[name=news]")
    await shop.select_option("#sort", "price")
    await shop.fill("[name=note]", "two\nlines")
    await console.becomes("DOCUMENT.querySelector('[name=note]').value.includes('lines')")
    await console.equals(shop)
    for name, secret in (("password", "hunter2"), ("email", "anna")):
        shown = await console.recorded(f"DOCUMENT.querySelector('[name={name}]').value")
        assert set(shown) == {"*"}
        assert secret not in shown
    await shop.click("text=Put into the basket >> nth=0")
    await shop.click("#basket")
    await console.becomes("DOCUMENT.querySelector('#dialog').matches(':modal')")
    await console.equals(shop)
    await shop.click("#close")
    await console.becomes("!DOCUMENT.querySelector('#dialog').open")
    await console.equals(shop)


async def test_how_soon_it_shows_is_measured(
    console: ConsolePage, record_property: Callable[[str, object], None]
) -> None:
    shop = await _open_both(console)
    lags = []
    for number in range(_NOTES):
        began = time.perf_counter()
        await shop.fill("[name=note]", f"note {number}.")
        await console.becomes(f"DOCUMENT.querySelector('[name=note]').value === 'note {number}.'")
        lags.append(time.perf_counter() - began)
        await shop.wait_for_timeout(137)  # not in step with the batches
    median = statistics.median(lags[2:])
    record_property("median_lag_seconds", round(median, 3))
    print(f"median lag {median:.3f} s, longest {max(lags[2:]):.3f} s, {len(lags) - 2} notes")
