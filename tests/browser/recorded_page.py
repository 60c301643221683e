"""Pages with the SDK in them, whose recorders are listened to: the replay must have it all."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import ujson
from aiohttp import ClientSession
from playwright.async_api import BrowserContext, Page, Route

from spectraview.web.assets import DIST

# The SDK makes JSON of each event once, as the recorder emits it.
_LISTEN = """
const isBlank = location.protocol === 'about:';  // which has no storage
window.emitted = isBlank ? [] : JSON.parse(sessionStorage.getItem('emitted') ?? '[]');
const stringify = JSON.stringify;
JSON.stringify = function (value, ...rest) {
  const text = stringify.call(this, value, ...rest);
  const isEvent = value && typeof value.type === 'number' && typeof value.timestamp === 'number';
  if (isEvent) window.emitted.push(text);
  return text;
};
addEventListener('pagehide', () => {
  if (!isBlank) sessionStorage.setItem('emitted', stringify(window.emitted));
});
"""
_PAGE = """<!doctype html><html><head>
<title>Shop</title><link rel="icon" href="data:,"></head><body>
<h1>Shop</h1><button id="buy">Buy</button><input id="name"><ul id="list"></ul>
<script src="/sdk.js"></script>
<script>
document.getElementById('buy').addEventListener('click', () => {
  document.getElementById('list').append(document.createElement('li'));
});
SpectraView.init(%s);
</script></body></html>
"""


@dataclass(frozen=True, slots=True)
class RecordedPages:
    """Pages of another origin than the server's, which load though the server is away."""

    context: BrowserContext
    server: str
    keys: Mapping[str, str]

    async def serve(self, html: str = _PAGE, **options: object) -> str:
        """Answer an address with a page that records itself, and return the address."""
        given = {"app": "shop", "key": self.keys["ingest"], "server": self.server} | options
        body = html.replace("%s", ujson.dumps(given, escape_forward_slashes=False))
        sdk = (DIST / "sdk" / "sdk.js").read_text()

        async def answer_page(route: Route) -> None:
            await route.fulfill(body=body, content_type="text/html")

        async def answer_sdk(route: Route) -> None:
            await route.fulfill(body=sdk, content_type="text/javascript")

        origin = f"http://localhost:{urlsplit(self.server).port}"
        await self.context.route(f"{origin}/shop", answer_page)
        await self.context.route(f"{origin}/sdk.js", answer_sdk)
        return f"{origin}/shop"

    async def open(self, html: str = _PAGE, **options: object) -> "RecordedPage":
        """Open a new tab with a page that records itself."""
        address = await self.serve(html, **options)
        page = await self.context.new_page()
        await page.add_init_script(_LISTEN)
        await page.goto(address)
        return RecordedPage(page, self)

    async def replay(self, session_id: str) -> Any:
        """Return a session's replay."""
        address = f"{self.server}/api/sessions/{session_id}/replay"
        async with (
            ClientSession(headers={"X-API-Key": self.keys["read"]}) as http,
            http.get(address) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return ujson.loads(await answer.read())

    async def get(self, path: str) -> Any:
        """Return what the API answers."""
        async with (
            ClientSession(headers={"X-API-Key": self.keys["read"]}) as http,
            http.get(f"{self.server}{path}") as answer,
        ):
            return ujson.loads(await answer.read())

    async def replayed(self, session_id: str, events: int) -> list[Any]:
        """Return a session's events once there are so many."""
        for _ in range(400):
            answer = await self.get(f"/api/sessions/{session_id}/replay")
            stored = answer.get("events", ())  # the session may not be there yet
            if len(stored) >= events:
                return list(stored)
            await asyncio.sleep(0.05)
        pytest.fail(f"only {len(stored)} of {events} events came")


@dataclass(frozen=True, slots=True)
class RecordedPage:
    """One tab that records itself."""

    page: Page
    pages: RecordedPages

    async def session_id(self) -> str:
        """Return the id of the tab's session."""
        return str(await self.page.evaluate("SpectraView.sessionId()"))

    async def emitted(self) -> list[Any]:
        """Return what the recorder has emitted in the pages of this tab."""
        return [ujson.loads(text) for text in await self.page.evaluate("window.emitted")]

    async def act(self, times: int = 1) -> None:
        """Do what a user does: click, type, and make the page change."""
        for number in range(times):
            await self.page.click("#buy")
            await self.page.type("#name", f"{number} ")

    async def flush(self) -> None:
        """Send what has happened."""
        await self.page.evaluate("SpectraView.flush()")

    async def sent(self, seconds: float = 30) -> list[Any]:
        """Return all that the recorder has emitted, once the server has acknowledged all of it."""
        async with asyncio.timeout(seconds):
            while True:
                await self.flush()
                texts = await self.page.evaluate(
                    "SpectraView.stats().unsent === 0 ? window.emitted : null"
                )
                if texts is not None:
                    return [ujson.loads(text) for text in texts]
                await asyncio.sleep(0.1)

    async def check(self, seconds: float = 30) -> list[Any]:
        """Check that the tab's session has all that was emitted, in order, and return it."""
        sent = await self.sent(seconds)
        stored = (await self.pages.replay(await self.session_id()))["events"]
        assert stored == sent
        return sent
