"""Uploads that never give up, like an SDK with a retry queue, and what is true after them."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import ujson
from aiohttp import ClientError, ClientSession

from tests.recordings import Event, batch_body, batches_of

_RETRY_SECONDS = 0.05


class Uploads:
    """Many sessions that are uploaded at once, each batch retried until it is acknowledged."""

    def __init__(
        self,
        http: ClientSession,
        urls: Sequence[str],
        keys: Mapping[str, str],
        *,
        copies: int = 1,
        batch_size: int = 10,
    ) -> None:
        self._http = http
        self._urls = urls
        self._keys = keys
        self._copies = copies
        self._batch_size = batch_size
        self.acknowledged = 0
        self._progress = asyncio.Condition()

    async def run(self, recordings: Sequence[Sequence[Event]]) -> dict[UUID, Sequence[Event]]:
        """Upload each recording as a session; return the events by session."""
        sessions = {uuid4(): events for events in recordings}
        await asyncio.gather(*(self._upload(*session) for session in sessions.items()))
        return sessions

    async def reached(self, acknowledged: int) -> None:
        """Return when that many batches are acknowledged."""
        async with self._progress:
            await self._progress.wait_for(lambda: self.acknowledged >= acknowledged)

    async def _upload(self, session_id: UUID, events: Sequence[Event]) -> None:
        first_sequence = 0
        for batch in batches_of(events, self._batch_size):
            body = ujson.dumps(batch_body(batch)).encode()
            receipts = await asyncio.gather(
                *(
                    self._send(session_id, body, self._urls[n % len(self._urls)])
                    for n in self._each()
                )
            )
            assert {receipt["firstSequence"] for receipt in receipts} == {first_sequence}
            first_sequence += len(batch)
            async with self._progress:
                self.acknowledged += 1
                self._progress.notify_all()

    def _each(self) -> range:
        return range(self._copies)

    async def _send(self, session_id: UUID, body: bytes, url: str) -> dict[str, object]:
        """Post a body until it is answered with 200; only outages may delay that."""
        headers = {"X-API-Key": self._keys["ingest"], "Content-Type": "application/json"}
        address = f"{url}/api/sessions/{session_id}/events"
        while True:
            try:
                async with self._http.post(address, data=body, headers=headers) as answer:
                    receipt: dict[str, object] = ujson.loads(await answer.read())
                    if answer.status == 200:
                        return receipt
                    assert answer.status == 503, receipt
            except (ClientError, OSError):
                pass  # nobody knows whether it was stored
            await asyncio.sleep(_RETRY_SECONDS)


async def check_replays(
    http: ClientSession, url: str, keys: Mapping[str, str], sessions: Mapping[UUID, Sequence[Event]]
) -> None:
    """Assert that each session's replay is what was sent, once and in order, and is counted so."""
    headers = {"X-API-Key": keys["read"]}
    for session_id, events in sessions.items():
        async with http.get(f"{url}/api/sessions/{session_id}/replay", headers=headers) as answer:
            assert ujson.loads(await answer.read())["events"] == list(events)
        async with http.get(f"{url}/api/sessions/{session_id}", headers=headers) as answer:
            session = ujson.loads(await answer.read())
            assert session["stats"]["totalEvents"] == len(events)
