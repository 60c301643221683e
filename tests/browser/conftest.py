"""What the browser tests share: Debian's Chromium driven by Playwright, and an application for it.

They are never skipped: without a browser or the web build they fail and say what is missing.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from spectraview.web.assets import DIST
from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.console_page import ConsolePage
from tests.conftest import KEYS, ApiFactory

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--no-sandbox",  # a root's or a container's Chromium
    "--disable-dev-shm-usage",
    # A page that a test makes up counts as the Internet's, the server as the local network's.
    "--disable-features=LocalNetworkAccessChecks",
)
_IGNORED = ("--disable-back-forward-cache",)  # users have it

BrowserAppFactory = Callable[..., Awaitable[BrowserApp]]


def _chromium() -> str | None:
    """Return the Chromium to drive; None is Playwright's own."""
    chosen = os.environ.get("SPECTRAVIEW_TEST_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="session", autouse=True)
def _web_build() -> None:
    missing = [
        name
        for name in ("sdk/sdk.js", "console/index.html", "docs/index.html")
        if not (DIST / name).is_file()
    ]
    if missing:
        pytest.fail(f"{DIST} lacks {missing}: scripts/test builds the web pages")


@pytest.fixture
async def browser(make_api: ApiFactory) -> AsyncIterator[Browser]:
    """A Chromium of the test's own.

    It closes before the applications do: what it connects meanwhile would be left open.
    """
    async with async_playwright() as playwright:
        path = _chromium() or playwright.chromium.executable_path
        if not os.path.exists(path):  # noqa: ASYNC240
            pytest.fail("Chromium is missing: scripts/test installs it, or apt-get does")
        browser = await playwright.chromium.launch(
            executable_path=path, args=_ARGUMENTS, ignore_default_args=_IGNORED
        )
        yield browser
        await browser.close()


@pytest.fixture
def faults() -> Faults:
    """What goes wrong in the test's pages; the test fails if it does not expect it."""
    return Faults()


@pytest.fixture
async def context(
    browser: Browser, faults: Faults, make_browser_app: BrowserAppFactory
) -> AsyncIterator[BrowserContext]:
    """A browser profile of the test's own, all of whose pages are watched for faults.

    It closes before the applications do, which its pages would complain of.
    """
    context = await browser.new_context()
    context.set_default_timeout(20_000)
    context.on("page", faults.watch)
    yield context
    unexpected = faults.unexpected()
    await context.close()
    assert unexpected == []


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """A page."""
    return await context.new_page()


@pytest.fixture
def make_browser_app(make_api: ApiFactory) -> BrowserAppFactory:
    """Return a factory of applications that a browser can open; its arguments change settings."""

    async def make(**changes: object) -> BrowserApp:
        api = await make_api(**{"demo_key": KEYS["ingest"], "access_log": False} | changes)
        server = api.client.server
        assert isinstance(server, TestServer)
        return BrowserApp(str(server.make_url("/")).rstrip("/"), api)

    return make


@pytest.fixture
async def browser_app(make_browser_app: BrowserAppFactory) -> BrowserApp:
    """A running application."""
    return await make_browser_app()


@pytest.fixture
def console(page: Page, browser_app: BrowserApp) -> ConsolePage:
    """The console in a page."""
    return ConsolePage(page, browser_app)
