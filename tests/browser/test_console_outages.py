"""While somebody watches, things break; afterwards the console shows the page again by itself."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.browser_app import Faults
from tests.browser.console_page import ConsolePage
from tests.faults.service import Service

pytestmark = pytest.mark.timeout(300)

_PROVOKED = ["net::ERR_", "WebSocket", "503"]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the embedded servers may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-browser-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def service(data_dir: Path) -> AsyncIterator[Service]:
    """A service of the test's own, which can be killed."""
    service = Service(data_dir)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def shop(service: Service, context: BrowserContext, faults: Faults) -> Page:
    """The demo shop, which records itself."""
    faults.expected += _PROVOKED
    shop = await context.new_page()
    await shop.goto(f"{service.url}/demo")
    await shop.wait_for_function("() => SpectraView.sessionId()")
    return shop


@pytest.fixture
async def console(service: Service, context: BrowserContext, shop: Page) -> ConsolePage:
    """The console, which shows the shop."""
    console = ConsolePage(await context.new_page(), service)
    await console.open(UUID(await shop.evaluate("SpectraView.sessionId()")))
    await shows_note(console, shop, "before")
    return console


async def shows_note(console: ConsolePage, shop: Page, text: str) -> None:
    """Write into the shop, and return when the console shows all of it."""
    await shop.fill("[name=note]", text)
    await console.becomes(f"DOCUMENT.querySelector('[name=note]').value === '{text}'")
    await console.equals(shop)


async def test_a_killed_server(service: Service, shop: Page, console: ConsolePage) -> None:
    await service.kill()
    await shop.fill("[name=note]", "meanwhile")
    await service.start()
    await shows_note(console, shop, "after")


async def test_a_server_that_is_restarted(
    service: Service, shop: Page, console: ConsolePage
) -> None:
    await service.stop()
    await shop.fill("[name=note]", "meanwhile")
    await service.start()
    await shows_note(console, shop, "after")


async def test_a_death_of_valkey(service: Service, shop: Page, console: ConsolePage) -> None:
    os.kill(int((service.data_dir / "valkey/valkey.pid").read_text()), signal.SIGKILL)
    await shows_note(console, shop, "meanwhile")
    await shows_note(console, shop, "after")


async def test_a_network_that_is_away(
    shop: Page, console: ConsolePage, context: BrowserContext
) -> None:
    await context.set_offline(True)
    await shop.fill("[name=note]", "meanwhile")
    await shop.wait_for_timeout(3000)
    await context.set_offline(False)
    await shows_note(console, shop, "after")
