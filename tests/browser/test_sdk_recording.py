"""What the recorder emits in a page is in the session's replay, as it was and in its order."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext

from tests.browser.browser_app import BrowserApp, Faults
from tests.browser.recorded_page import RecordedPages


@pytest.fixture
def pages(context: BrowserContext, browser_app: BrowserApp) -> RecordedPages:
    return RecordedPages(context, browser_app.url, browser_app.keys)


def is_click(event: Any) -> bool:
    return bool(event["type"] == 3 and event["data"]["source"] == 2 and event["data"]["type"] == 2)


async def test_the_replay_has_every_event_that_the_recorder_emitted(pages: RecordedPages) -> None:
    shop = await pages.open()
    await shop.act(10)
    await shop.check()


async def test_the_first_snapshot_is_sent_at_once(pages: RecordedPages) -> None:
    shop = await pages.open()
    stored = await pages.replayed(await shop.session_id(), 4)
    assert {4, 2} <= {event["type"] for event in stored}


async def test_the_start_tells_of_the_page_and_of_the_user(pages: RecordedPages) -> None:
    shop = await pages.open(userId="user-7", ticketId="T-1", metadata={"plan": "gold"})
    await shop.sent()
    info = await pages.get(f"/api/sessions/{await shop.session_id()}")
    assert (info["appId"], info["userId"], info["ticketId"]) == ("shop", "user-7", "T-1")
    assert info["metadata"]["url"] == shop.page.url
    assert info["metadata"]["plan"] == "gold"


async def test_who_the_user_is_may_get_known_later(pages: RecordedPages) -> None:
    shop = await pages.open()
    await shop.page.evaluate("SpectraView.identify('user-8'); SpectraView.ticket('T-2')")
    await shop.sent()
    info = await pages.get(f"/api/sessions/{await shop.session_id()}")
    assert (info["userId"], info["ticketId"]) == ("user-8", "T-2")


async def test_another_user_begins_another_session(pages: RecordedPages) -> None:
    shop = await pages.open(userId="user-1")
    await shop.act()
    first = await shop.session_id()
    await shop.page.evaluate("SpectraView.identify('user-2')")
    await shop.act()
    sent = await shop.sent()
    second = await shop.session_id()
    assert (await pages.get(f"/api/sessions/{first}"))["endTime"] is not None
    assert (await pages.get(f"/api/sessions/{second}"))["userId"] == "user-2"
    old, new = [(await pages.replay(each))["events"] for each in (first, second)]
    assert [event["type"] for event in new[:2]] == [4, 2]
    assert old + new == sent


async def test_errors_and_what_the_page_tracks_are_kept(
    pages: RecordedPages, faults: Faults
) -> None:
    faults.expected += ["no stock", "van is late"]
    shop = await pages.open()
    await shop.page.evaluate(
        """() => {
          SpectraView.track('checkout', {value: 99});
          setTimeout(() => { throw new TypeError('no stock') });
          Promise.reject(new RangeError('van is late'));
          SpectraView.captureError(new Error('caught'));
        }"""
    )
    await shop.page.wait_for_timeout(100)
    await shop.sent()
    replay = await pages.replay(await shop.session_id())
    kinds = sorted((error["type"], error["message"]) for error in replay["errors"])
    assert kinds == [("Error", "caught"), ("RangeError", "van is late"), ("TypeError", "no stock")]
    assert all(error["stack"] for error in replay["errors"])
    (event,) = replay["customEvents"]
    assert (event["eventType"], event["data"]) == ("checkout", {"value": 99})


async def test_stop_ends_the_session_and_records_nothing_more(pages: RecordedPages) -> None:
    shop = await pages.open()
    session_id = await shop.session_id()
    await shop.act()
    await shop.page.evaluate("SpectraView.stop()")
    assert await shop.page.evaluate("SpectraView.sessionId()") is None
    before = await shop.emitted()
    await shop.act()
    assert await shop.emitted() == before
    assert (await pages.replay(session_id))["events"] == before
    assert (await pages.get(f"/api/sessions/{session_id}"))["endTime"] is not None


async def test_a_session_that_is_not_sampled_sends_nothing(pages: RecordedPages) -> None:
    shop = await pages.open(sampling=0)
    await shop.act()
    assert await shop.page.evaluate("SpectraView.sessionId()") is None
    assert await shop.emitted() == []
    await shop.page.reload()
    assert await shop.page.evaluate("SpectraView.sessionId()") is None
    assert (await pages.get("/api/sessions"))["total"] == 0


async def test_an_idle_tab_stops_recording_and_resumes_with_a_full_snapshot(
    pages: RecordedPages,
) -> None:
    shop = await pages.open(idleSeconds=0.4)
    await shop.page.wait_for_timeout(1000)
    before = len(await shop.emitted())
    await shop.page.evaluate("document.body.append('nobody sees this')")
    await shop.page.wait_for_timeout(200)
    assert len(await shop.emitted()) == before
    await shop.page.mouse.move(50, 50)
    await shop.page.wait_for_function(f"emitted.length >= {before + 2}")
    assert [event["type"] for event in (await shop.emitted())[before : before + 2]] == [4, 2]
    await shop.check()
