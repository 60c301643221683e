"""One line of HTML records a page."""

from playwright.async_api import Page

from tests.browser.browser_app import BrowserApp

PAGE = """<!doctype html><title>Shop</title><h1>Shop</h1>
<script src="{url}/sdk.js" data-app="shop" data-key="{key}"></script>
"""


async def test_the_script_records_the_page_that_includes_it(
    browser_app: BrowserApp, page: Page
) -> None:
    shop = PAGE.format(url=browser_app.url, key=browser_app.keys["ingest"])
    await page.route("**/shop", lambda route: route.fulfill(body=shop, content_type="text/html"))
    async with page.expect_response("**/events", timeout=40_000) as answer:
        await page.goto(f"{browser_app.url}/shop")
    assert (await answer.value).status == 200
    assert (await browser_app.api.get("/api/sessions?appId=shop")).json["total"] == 1
