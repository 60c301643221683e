"""The console as somebody uses it: what can be clicked, and what can be seen."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from tests.browser.browser_app import BrowserApp, Site
from tests.browser.normal_form import form_of

_FRAME = "document.querySelector('.screen iframe').contentDocument"
_TRIES = 400
_PAUSE = 50


class ConsolePage:
    """A browser's page that shows the console."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site

    @property
    def app(self) -> BrowserApp:
        """Return the test's own application, where there is one."""
        assert isinstance(self.site, BrowserApp)
        return self.site

    async def sign_in(self, key: str = "read") -> None:
        """Open the console and sign in with a scope's key, or another text."""
        await self.page.goto(self.site.url)
        await self.page.get_by_label("API key").fill(self.site.keys.get(key, key))
        await self.page.get_by_role("button", name="Sign in").click()

    async def open(self, session_id: UUID, **query: object) -> None:
        """Open a session's page; sign in if nobody has."""
        if not self.page.url.startswith(self.site.url):
            await self.sign_in()
            await expect(self.page.locator("main h1")).to_have_text("Sessions")
        words = "&".join(f"{name}={value}" for name, value in query.items())
        await self.page.goto(f"{self.site.url}/#/sessions/{session_id}{words and '?' + words}")

    async def open_link(self, link: str) -> None:
        """Open a link in this page."""
        await self.page.goto(link)

    @property
    def rows(self) -> Locator:
        """Return the listed sessions."""
        return self.page.locator(".sessions tbody tr")

    @property
    def timeline(self) -> Locator:
        """Return the timeline's slider, whose value is milliseconds."""
        return self.page.get_by_role("slider", name="Timeline")

    async def status_becomes(self, *status: str, seconds: float = 20) -> None:
        """Return when the player has one of these states."""
        wanted = ", ".join(f'.transport[data-status="{name}"]' for name in status)
        await self.page.locator(wanted).wait_for(timeout=1000 * seconds)

    async def time(self) -> float:
        """Return where the player stands, in milliseconds from the start."""
        return float(await self.timeline.input_value())

    async def length(self) -> float:
        """Return the timeline's length in milliseconds."""
        return float(await self.timeline.get_attribute("max") or 0)

    async def seek(self, milliseconds: float) -> None:
        """Move the timeline's slider."""
        script = """(slider, value) => {
            const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
            set.call(slider, value);
            slider.dispatchEvent(new Event('input', { bubbles: true }));
        }"""
        await self.timeline.evaluate(script, milliseconds)

    async def recorded(self, script: str) -> Any:
        """Evaluate an expression about the recorded page's document."""
        return await self.page.evaluate(script.replace("DOCUMENT", _FRAME))

    async def shows(self, text: str) -> None:
        """Return when the recorded page holds a text."""
        await self.becomes(f"DOCUMENT.body.textContent.includes({json.dumps(text)})")

    async def becomes(self, script: str) -> None:
        """Return when an expression about the recorded page's document is true."""
        # Not wait_for_function: it evaluates in the page, which the page's policy forbids.
        frame = "document.querySelector('.screen iframe')?.contentDocument?.body"
        for _ in range(_TRIES):
            if await self.page.evaluate(f"!!({frame} && {script.replace('DOCUMENT', _FRAME)})"):
                return
            await self.page.wait_for_timeout(_PAUSE)
        raise AssertionError(f"{script} did not become true")

    async def equals(self, page: Page) -> None:
        """Return when the recorded page shows what another page shows, node by node."""
        wanted = await form_of(page)
        for _ in range(_TRIES):
            if await form_of(self.page, _FRAME) == wanted:
                return
            await self.page.wait_for_timeout(_PAUSE)
        assert await form_of(self.page, _FRAME) == wanted

    async def texts(self, locator: Locator) -> Sequence[str]:
        """Return what elements say."""
        return [text.strip() for text in await locator.all_inner_texts()]
