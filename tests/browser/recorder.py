"""A page that rrweb records, and whose events the test sends."""

import asyncio
from typing import Any
from uuid import UUID

from playwright.async_api import Page

from spectraview.web.assets import DIST
from tests.api_client import ApiClient
from tests.recordings import Event, batch_body

RRWEB = DIST.parent / "node_modules/rrweb/dist/rrweb.umd.min.cjs"
_FLUSH_SECONDS = 0.2


class RecordedPage:
    """Sends what rrweb records in a page, in order, in small batches."""

    def __init__(self, page: Page, api: ApiClient, session_id: UUID) -> None:
        self.page = page
        self.api = api
        self.session_id = session_id
        self._waiting: list[Event] = []

    async def start(self) -> None:
        """Record from now on."""
        await self.page.expose_function("keepEvent", self._keep)
        await self.page.add_script_tag(path=RRWEB)
        await self.page.evaluate("() => rrweb.record({ emit: (event) => keepEvent(event) })")
        await self.flush()

    def _keep(self, event: Event) -> None:
        self._waiting.append(event)

    async def flush(self, **members: Any) -> None:
        """Send what has been recorded so far."""
        events, self._waiting[:] = self._waiting[:], []
        body = batch_body(events, **members)
        answer = await self.api.post_events(self.session_id, body)
        assert answer.status == 200, answer

    async def keep_flushing(self) -> None:
        """Send what is recorded until the task is cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            if self._waiting:
                await self.flush()

    async def takes_snapshot(self) -> None:
        """Take a full snapshot, as an SDK does when somebody begins to watch."""
        await self.page.evaluate("() => rrweb.record.takeFullSnapshot()")
