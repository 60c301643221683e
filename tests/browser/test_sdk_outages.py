"""While things break, the page records on; afterwards the replay has every event, in order."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
from playwright.async_api import BrowserContext

from spectraview.embedded import ServerAddresses
from tests.browser.browser_app import Faults
from tests.browser.conftest import BrowserAppFactory
from tests.browser.recorded_page import RecordedPage, RecordedPages
from tests.faults.service import Service

pytestmark = pytest.mark.timeout(300)

OUTAGE_SECONDS = float(os.environ.get("SPECTRAVIEW_TEST_OUTAGE", "3"))
_PROVOKED = ["net::ERR_", "WebSocket", "503", "429"]


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
def pages(service: Service, context: BrowserContext, faults: Faults) -> RecordedPages:
    faults.expected += _PROVOKED
    return RecordedPages(context, service.url, service.keys)


async def act_for(shop: RecordedPage, seconds: float) -> None:
    """Use the page for so long, and let it send whenever it can."""
    async with asyncio.timeout(seconds + 30):
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            await shop.act()
            await shop.flush()


async def test_a_kill_of_the_server_loses_nothing(service: Service, pages: RecordedPages) -> None:
    shop = await pages.open()
    for _ in range(2):
        acting = asyncio.create_task(act_for(shop, OUTAGE_SECONDS))
        await asyncio.sleep(OUTAGE_SECONDS / 3)
        await service.kill()
        await acting
        await service.start()
    await act_for(shop, 1)
    assert len(await shop.check(90)) > 50


async def test_a_restart_of_the_server_loses_nothing(
    service: Service, pages: RecordedPages
) -> None:
    shop = await pages.open()
    acting = asyncio.create_task(act_for(shop, OUTAGE_SECONDS))
    await service.stop()
    await acting
    await service.start()
    await act_for(shop, 1)
    await shop.check(90)


async def test_a_death_of_valkey_loses_nothing(service: Service, pages: RecordedPages) -> None:
    shop = await pages.open()
    acting = asyncio.create_task(act_for(shop, OUTAGE_SECONDS))
    os.kill(int((service.data_dir / "valkey/valkey.pid").read_text()), signal.SIGKILL)
    await acting
    await shop.check(90)


async def test_a_network_outage_loses_nothing(
    pages: RecordedPages, context: BrowserContext
) -> None:
    shop = await pages.open()
    await act_for(shop, 1)
    await context.set_offline(True)
    await act_for(shop, OUTAGE_SECONDS)
    assert await shop.page.evaluate("SpectraView.stats().unsent") > 0
    await context.set_offline(False)
    await act_for(shop, 1)
    await shop.check(90)


async def test_a_storm_of_429_loses_nothing_and_is_not_answered_by_a_storm(
    make_browser_app: BrowserAppFactory,
    servers: ServerAddresses,
    context: BrowserContext,
    faults: Faults,
) -> None:
    faults.expected += _PROVOKED
    app = await make_browser_app(rate_limit_ingest=5)
    await context.clock.install()
    shop = await RecordedPages(context, app.url, app.keys).open()
    answers: list[int] = []
    shop.page.on("response", lambda answer: answers.append(answer.status))
    await act_for(shop, 8)
    # Retry-After is the rest of the minute: one attempt, and another one if a minute went by.
    assert 1 <= answers.count(429) <= 2
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()  # for the server a new minute
    await context.clock.fast_forward("01:01")
    await shop.check(90)
