"""The console plays recordings: to their end, and from anywhere."""

import random
from uuid import UUID

import pytest

from tests.browser.browser_app import BrowserApp
from tests.browser.console_page import ConsolePage
from tests.recordings import load_recording, recording_names


async def _recorded(app: BrowserApp, name: str) -> UUID:
    """Return a session that holds a recording and has ended."""
    events = load_recording(name)
    session_id = await app.api.start(startTime=events[0]["timestamp"])
    await app.api.upload(session_id, events)
    await app.api.end(session_id)
    return session_id


@pytest.mark.parametrize("name", recording_names())
async def test_a_recording_plays_to_its_end(console: ConsolePage, name: str) -> None:
    session_id = await _recorded(console.app, name)
    await console.open(session_id)
    await console.status_becomes("playing")
    await console.page.get_by_label("Speed").select_option("8")
    await console.status_becomes("ended", seconds=100)
    assert await console.time() == pytest.approx(await console.length(), abs=200)
    await console.page.get_by_role("button", name="Play again").click()
    await console.status_becomes("playing")
    assert await console.time() < await console.length() / 2


@pytest.mark.parametrize("name", recording_names())
async def test_a_seek_shows_what_playing_would_show(console: ConsolePage, name: str) -> None:
    session_id = await _recorded(console.app, name)
    await console.open(session_id)
    await console.status_becomes("playing")
    await console.page.keyboard.press("k")
    length = await console.length()
    places = [random.Random(name).uniform(0, length) for _ in range(10)]
    seen = {}
    for place in places:
        await console.seek(place)
        await console.status_becomes("paused")
        assert await console.time() == pytest.approx(place, abs=200)
        seen[place] = await console.recorded("DOCUMENT.body.textContent")
    for place in sorted(places):
        await console.seek(place)
        await console.status_becomes("paused")
        assert await console.recorded("DOCUMENT.body.textContent") == seen[place]
