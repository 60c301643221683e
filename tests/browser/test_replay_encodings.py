"""Chromium reads the same bytes of a replay in every coding."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import BrowserContext

from tests.api.sealing import end_and_seal, fetch
from tests.browser.browser_app import BrowserApp
from tests.recordings import load_recording, recording_names

_READ = """async (address) => {
  const answer = await fetch(address);
  const bytes = await answer.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { encoding: answer.headers.get('Content-Encoding') ?? 'identity', hex };
}"""


async def read(context: BrowserContext, app: BrowserApp, path: str) -> Any:
    """Return in which coding a page gets an answer, and the digest of what it reads."""
    page = await context.new_page()
    await page.goto(app.url)
    return await page.evaluate(_READ, f"{app.url}{path}apiKey={app.keys['read']}")


def parts_of(session_id: UUID, events: int) -> list[str]:
    """Return the addresses of a whole replay, and of parts of it."""
    path = f"/api/sessions/{session_id}/replay?"
    middle = f"afterSequence={events // 3}&toSequence={events // 2}&"
    return [path, f"{path}{middle}", f"{path}afterSequence={events // 2}&"]


@pytest.mark.parametrize("name", recording_names())
async def test_a_browser_reads_the_same_bytes_before_and_after_sealing(
    context: BrowserContext, browser_app: BrowserApp, name: str
) -> None:
    events, api = load_recording(name), browser_app.api
    session_id = await api.start()
    await api.upload(session_id, events)
    paths = parts_of(session_id, len(events))
    expected = [sha256((await fetch(api, path)).text).hexdigest() for path in paths]
    for encoding in ("gzip", "zstd"):
        answers = [await read(context, browser_app, path) for path in paths]
        assert answers == [{"encoding": encoding, "hex": digest} for digest in expected]
        await end_and_seal(api, session_id)


async def test_a_browser_without_zstd_reads_the_same_bytes(
    context: BrowserContext, browser_app: BrowserApp
) -> None:
    events, api = load_recording("gentelella-medium"), browser_app.api
    session_id = await api.start()
    await api.upload(session_id, events)
    await end_and_seal(api, session_id)
    await context.set_extra_http_headers({"Accept-Encoding": "gzip"})
    for path in parts_of(session_id, len(events)):
        digest = sha256((await fetch(api, path)).text).hexdigest()
        assert await read(context, browser_app, path) == {"encoding": "gzip", "hex": digest}
