"""One line of HTML records a page; the demo shop is such a page."""

from playwright.async_api import Page

from tests.browser.browser_app import BrowserApp, Faults


async def test_the_demo_shop_records_itself(
    browser_app: BrowserApp, page: Page, faults: Faults
) -> None:
    faults.expected += ["watering can", "delivery van"]
    await page.goto(f"{browser_app.url}/demo")
    await page.click("text=Put into the basket >> nth=0")
    await page.click("#basket")
    await page.click("#close")
    for button in ("#error", "#reject", "#track", "#shuffle"):
        await page.click(button)
    session_id = await page.evaluate("SpectraView.sessionId()")
    await page.evaluate("SpectraView.stop()")
    info = (await browser_app.api.get(f"/api/sessions/{session_id}")).json
    assert info["appId"] == "demo"
    replay = await browser_app.api.replay(session_id)
    assert [error["type"] for error in replay["errors"]] == ["TypeError", "Error"]
    assert [event["eventType"] for event in replay["customEvents"]] == ["added_to_basket", "waved"]


async def test_the_demo_leads_to_its_own_session_in_the_console(
    browser_app: BrowserApp, page: Page
) -> None:
    await page.goto(f"{browser_app.url}/demo")
    session_id = await page.evaluate("SpectraView.sessionId()")
    async with page.expect_popup() as opened:
        await page.click("#watch")
    assert (await opened.value).url.endswith(f"/#/sessions/{session_id}")
