"""The console is for everyone: by keyboard and screen reader, on a phone, in Spanish, by a link."""

import re
from typing import Literal
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from spectraview.web.assets import DIST
from tests.api.samples import ERROR
from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.console_page import ConsolePage
from tests.recordings import load_recording

_AXE = DIST.parent / "node_modules/axe-core/axe.min.js"
_PHONE = {"width": 390, "height": 844}


async def _recorded(app: BrowserApp, **members: object) -> UUID:
    events = load_recording("todo-small")
    session_id = await app.api.start(None, startTime=events[0]["timestamp"], **members)
    await app.api.upload(session_id, events)
    error = ERROR | {"timestamp": events[9]["timestamp"]}
    await app.api.send(session_id, [], errors=[error])
    await app.api.end(session_id)
    return session_id


async def _violations(page: Page) -> list[str]:
    """Return what axe finds serious or worse; the recorded page is not the console's."""
    await page.evaluate(_AXE.read_text())  # not a script element: the policy would refuse it
    found = await page.evaluate(
        "() => axe.run({ exclude: [['.screen']] }, { iframes: false }).then((r) => r.violations)"
    )
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(
    console: ConsolePage, scheme: Literal["light", "dark"]
) -> None:
    page = console.page
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    session_id = await _recorded(console.app)
    await console.app.api.start(userId="anna", ticketId="T-1")
    await page.goto(console.app.url)
    assert await _violations(page) == []
    await console.sign_in()
    await page.get_by_role("button", name="Filters").click()
    await expect(console.rows).to_have_count(2)
    assert await _violations(page) == []
    await console.open(session_id)
    await console.status_becomes("playing")
    for name in ("Activity", "Errors", "Events", "Console", "Details"):
        await page.get_by_role("tab", name=name).click()
        assert await _violations(page) == []


async def test_the_player_obeys_the_keyboard(console: ConsolePage) -> None:
    await console.open(await _recorded(console.app))
    await console.status_becomes("playing")
    keyboard = console.page.keyboard
    await keyboard.press("Space")
    await console.status_becomes("paused")
    await console.seek(2000)
    await console.status_becomes("paused")
    await keyboard.press("ArrowRight")
    await expect(console.timeline).to_have_value("7000")
    await keyboard.press("ArrowLeft")
    await expect(console.timeline).to_have_value("2000")
    await keyboard.press("f")
    await console.page.wait_for_function("() => document.fullscreenElement?.className === 'player'")
    await keyboard.press("f")
    await keyboard.press("Space")
    await console.status_becomes("playing")


async def test_the_list_and_the_panels_are_reached_by_tab(console: ConsolePage) -> None:
    await _recorded(console.app)
    await console.sign_in()
    await expect(console.rows).to_have_count(1)
    await console.rows.get_by_role("link").focus()
    await console.page.keyboard.press("Enter")
    await console.status_becomes("playing")
    await console.page.get_by_role("tab", name="Activity").focus()
    await console.page.keyboard.press("ArrowRight")
    tab = console.page.get_by_role("tab", name="Errors")
    await expect(tab).to_be_focused()
    await expect(tab).to_have_attribute("aria-selected", "true")
    await expect(console.page.get_by_role("tabpanel")).to_contain_text(ERROR["message"])


async def test_on_a_phone_nothing_is_cut_off(console: ConsolePage) -> None:
    page = console.page
    await page.set_viewport_size(_PHONE)  # type: ignore[arg-type]
    session_id = await _recorded(console.app, userId="a-user-with-a-name-that-is-rather-long")
    await console.sign_in()
    await expect(console.rows).to_have_count(1)
    wide = "() => document.documentElement.scrollWidth <= innerWidth"
    assert await page.evaluate(wide)
    await console.open(session_id)
    await console.status_becomes("playing")
    assert await page.evaluate(wide)
    for name in ("Pause", "Full screen"):
        await expect(page.get_by_role("button", name=name)).to_be_in_viewport()
    box = await page.locator(".screen iframe").bounding_box()
    assert box is not None
    assert box["width"] <= _PHONE["width"] + 1
    assert box["width"] > 200


async def test_the_console_speaks_the_browsers_spanish_and_switches(
    browser: Browser, browser_app: BrowserApp, faults: Faults
) -> None:
    context = await browser.new_context(locale="es-MX")
    context.on("page", faults.watch)
    page = await context.new_page()
    await page.goto(browser_app.url)
    await page.get_by_label("Clave de API").fill(browser_app.keys["read"])
    await page.get_by_role("button", name="Entrar").click()
    await expect(page.locator("main h1")).to_have_text("Sesiones")
    await expect(page.locator("html")).to_have_attribute("lang", "es")
    await page.get_by_label("Idioma").select_option("en")
    await expect(page.locator("main h1")).to_have_text("Sessions")
    await page.reload()
    await expect(page.locator("main h1")).to_have_text("Sessions")


async def test_the_theme_can_be_chosen(console: ConsolePage) -> None:
    await console.page.goto(console.app.url)
    background = "() => getComputedStyle(document.body).backgroundColor"
    light = await console.page.evaluate(background)
    await console.page.get_by_label("Theme").select_option("dark")
    dark = await console.page.evaluate(background)
    assert dark != light
    await console.page.reload()
    assert await console.page.evaluate(background) == dark


async def test_a_shared_link_opens_one_session_at_one_moment_without_a_key(
    console: ConsolePage, browser: Browser, faults: Faults
) -> None:
    session_id = await _recorded(console.app, userId="anna")
    other_id = await console.app.api.start(userId="other")
    await console.open(session_id)
    await console.status_becomes("playing")
    await console.page.keyboard.press("Space")
    await console.seek(9000)
    await console.status_becomes("paused")
    await console.page.get_by_role("button", name="Share").click()
    link = await console.page.get_by_role("textbox", name="Share").input_value()
    assert re.search(rf"#/sessions/{session_id}\?t=9\d\d\d?&token=", link) or "t=9000" in link
    stranger = await browser.new_context()
    stranger.on("page", faults.watch)
    guest = ConsolePage(await stranger.new_page(), console.app)
    await guest.open_link(link)
    await expect(guest.page.locator("main h1")).to_have_text("anna")
    await guest.status_becomes("playing")
    assert 8500 < await guest.time() < 20_000
    faults.expected.append("status of 401")
    await guest.page.goto("about:blank")
    await guest.open_link(link.replace(str(session_id), str(other_id)))
    await expect(guest.page.get_by_role("alert")).to_contain_text("does not open this session")
    await guest.page.goto("about:blank")
    await guest.open_link(f"{console.app.url}/#/")
    await expect(guest.page.get_by_label("API key")).to_be_visible()
