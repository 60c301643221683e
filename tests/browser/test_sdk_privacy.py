"""What is typed into private fields never leaves the page."""

import pytest
from playwright.async_api import BrowserContext

from tests.browser.browser_app import BrowserApp
from tests.browser.recorded_page import RecordedPages

PAGE = """<!doctype html><title>Account</title><link rel="icon" href="data:,">
<input id="password" type="password" value="secret-0">
<input id="card" autocomplete="cc-number">
<input id="email" data-private>
<div data-private><textarea id="note"></textarea><p id="text">secret-1</p></div>
<div data-block>secret-2</div>
<input id="name"><button id="show">Show</button>
<script src="/sdk.js"></script>
<script>
document.getElementById('show').onclick = () => {
  document.getElementById('password').type = 'text';
  document.getElementById('text').textContent = 'secret-3';
};
SpectraView.init(%s);
</script>
"""
PRIVATE = ("#password", "#card", "#email", "#note")


@pytest.fixture
def pages(context: BrowserContext, browser_app: BrowserApp) -> RecordedPages:
    return RecordedPages(context, browser_app.url, browser_app.keys)


async def test_private_fields_are_masked_and_others_are_not(pages: RecordedPages) -> None:
    account = await pages.open(html=PAGE)
    for field in PRIVATE:
        await account.page.type(field, "secret-4")
    await account.page.type("#name", "Ada")
    await account.page.click("#show")
    await account.page.type("#password", "secret-5")
    await account.sent()
    stored = str(await pages.replay(await account.session_id()))
    assert "secret" not in stored
    assert "********" in stored
    assert "Ada" in stored


async def test_all_inputs_may_be_masked(pages: RecordedPages) -> None:
    account = await pages.open(html=PAGE, maskAllInputs=True)
    await account.page.type("#name", "Ada Lovelace")
    await account.sent()
    assert "Ada" not in str(await pages.replay(await account.session_id()))


async def test_how_long_a_password_is_stays_private(pages: RecordedPages) -> None:
    account = await pages.open(html=PAGE)
    await account.page.fill("#password", "x")
    await account.sent()
    events = (await pages.replay(await account.session_id()))["events"]
    (typed,) = [e["data"]["text"] for e in events if e["type"] == 3 and e["data"]["source"] == 5]
    assert typed == "*" * 8
