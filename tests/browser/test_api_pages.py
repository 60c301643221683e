"""The pages of the API show the document, and fetch nothing from elsewhere."""

from playwright.async_api import Page, Request, expect

from spectraview.routes import ROUTES
from tests.browser.browser_app import BrowserApp


async def test_the_pages_show_every_endpoint_and_stay_on_the_site(
    page: Page, browser_app: BrowserApp
) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(_address(request)))
    await page.goto(f"{browser_app.url}/api/docs")
    await expect(page.locator(".opblock")).to_have_count(len(ROUTES))
    shown = await page.locator(".opblock-summary-path").all_inner_texts()
    paths = {path.replace("\u200b", "").replace(" ", "") for path in shown}
    assert paths == {route.path.replace(":.+}", "}") for route in ROUTES}
    foreign = [address for address in fetched if not address.startswith(browser_app.url)]
    assert fetched
    assert foreign == []


async def test_a_request_can_be_tried_with_a_key(page: Page, browser_app: BrowserApp) -> None:
    session_id = await browser_app.api.start()
    await page.goto(f"{browser_app.url}/api/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    await page.locator(".auth-container input").first.fill(browser_app.keys["read"])
    await page.locator(".auth-btn-wrapper .authorize").first.click()
    await page.locator(".auth-btn-wrapper .btn-done").first.click()
    operation = page.locator("#operations-Reading-list_sessions")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    await expect(operation.locator(".live-responses-table .microlight").first).to_contain_text(
        str(session_id)
    )


def _address(request: Request) -> str:
    return request.url if not request.url.startswith("data:") else request.frame.page.url
