"""A recorded page is hostile: in the console it runs nothing and fetches nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.canary import (
    START,
    Canary,
    element,
    incremental,
    listening_canary,
    page_of,
    text,
)
from tests.browser.console_page import ConsolePage
from tests.browser.payloads import BODIES, CSS, HEAD, INNER, RUN, changes
from tests.recordings import Event


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    """A server that nobody may call."""
    async with listening_canary() as canary:
        yield canary


@pytest.fixture(autouse=True)
def _refusals(faults: Faults) -> None:
    """Expect the policy to tell what it has refused: escaped style sheets get as far as that."""
    faults.expected += ["violates the following Content Security Policy", "ERR_BLOCKED_BY_CSP"]


async def _play(console: ConsolePage, events: list[Event]) -> None:
    """Play a recording, then go through it once more by seeking."""
    session_id = await console.app.api.start(startTime=START)
    await console.app.api.send(session_id, events)
    await console.app.api.end(session_id)
    await console.open(session_id)
    await console.shows("ready")
    await console.status_becomes("ended")
    for place in (0, 150, 1000):
        await console.seek(place)
        await console.shows("ready")
    await console.page.wait_for_timeout(500)


async def _nothing_happened(page: Page, app: BrowserApp, canary: Canary) -> None:
    assert canary.calls == []
    assert await page.evaluate("() => window.pwned ?? null") is None
    assert page.url.startswith(app.url)
    assert len(page.context.pages) == 1


@pytest.mark.parametrize("kind", BODIES)
async def test_a_recorded_page_runs_and_fetches_nothing(
    console: ConsolePage, canary: Canary, kind: str
) -> None:
    body = BODIES[kind](canary.url, RUN.format(url=canary.url))
    await _play(console, page_of(*body))
    await _nothing_happened(console.page, console.app, canary)


async def test_a_recorded_head_runs_and_fetches_nothing(
    console: ConsolePage, canary: Canary
) -> None:
    head = HEAD(canary.url, RUN.format(url=canary.url))
    await _play(console, page_of(head=tuple(head)))
    await _nothing_happened(console.page, console.app, canary)


async def test_what_a_page_does_later_runs_and_fetches_nothing(
    console: ConsolePage, canary: Canary
) -> None:
    events = page_of()
    await _play(console, [*events[:2], *changes(canary.url, RUN.format(url=canary.url)), events[2]])
    await _nothing_happened(console.page, console.app, canary)


async def test_the_policy_alone_holds_what_the_console_would_overlook(
    console: ConsolePage, canary: Canary, faults: Faults
) -> None:
    faults.expected.append("Blocked script execution")
    await _play(console, page_of())
    markup = INNER.format(run=RUN.format(url=canary.url), url=canary.url)
    markup += f"<iframe src='{canary.url}/f'></iframe><style>{CSS.format(url=canary.url)}</style>"
    markup += f"<svg><image href='{canary.url}/i'/></svg><img src=x onerror='top.pwned=1'>"
    markup += f"<object data='{canary.url}/o'></object><video src='{canary.url}/v'></video>"
    script = f"DOCUMENT.body.insertAdjacentHTML('beforeend', {json.dumps(markup)})"
    await console.recorded(script)
    await console.page.wait_for_timeout(1000)
    await _nothing_happened(console.page, console.app, canary)


async def test_damaged_events_cost_only_themselves(console: ConsolePage) -> None:
    events = page_of(element("p", text("shown")))
    damaged: list[Any] = [
        incremental(0, after=50),
        incremental(0, adds=[{"parentId": 5, "nextId": None, "node": None}], after=60),
        incremental(0, adds=[{"node": {"type": 2}}], removes=[None], texts=7, after=70),
        incremental(1, positions=[], after=80),
        incremental(3, id=99_999, x="a", y=None, after=90),
        incremental(8, id=5, adds="no", after=100),
        incremental(14, ranges=None, after=110),
        {"type": 3, "data": None, "timestamp": START + 120},
        {"type": 2, "data": {"node": 5}, "timestamp": START + 130},
        {"type": 77, "data": {"x": 1}, "timestamp": START + 140},
    ]
    await _play(console, [*events[:2], *damaged, events[2]])
    await console.shows("shown")
