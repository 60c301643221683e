"""Writes a session as an SDK does: several requests at once, each sent again until it is
answered.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import ujson
from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.faults.batches import make_bad_batch, make_batch
from tests.faults.history import History, SentBatch, SessionHistory

HANG_SECONDS = 20.0
_TIMEOUT = ClientTimeout(total=HANG_SECONDS)
_RETRY_SECONDS = 0.1
_GIVES_UP, _SENDS_TWICE, _SENDS_NONSENSE, _COMES_LATE = 0.08, 0.05, 0.03, 0.4


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered; status 0 is no answer: nobody knows what it did."""

    status: int
    json: Mapping[str, object]


class Publisher:
    """Writes one session to the processes of `urls`, each request to any of them; `pause` are the
    least and the most seconds between two batches.
    """

    PAUSE = (0.01, 0.3)

    def __init__(
        self,
        http: ClientSession,
        urls: Sequence[str],
        key: str,
        session: SessionHistory,
        history: History,
        random: Random,
        pause: tuple[float, float] | None = None,
    ) -> None:
        self.stored_something = asyncio.Event()
        self._http = http
        self._urls = urls
        self._key = key
        self._session = session
        self._history = history
        self._random = random
        self._pause = pause or self.PAUSE
        self._ending = asyncio.Event()

    @property
    def _over(self) -> bool:
        """Tell whether no batches are to be sent any more."""
        return self._ending.is_set()

    async def run(self, until: Awaitable[object], lanes: int) -> None:
        """Start the session, send batches until then, end it; some batches come after the end."""
        if self._random.random() < 0.8:  # else the start is lost
            await self._insist("/api/sessions/start", self._start_body())
            self.stored_something.set()
        sending = [asyncio.create_task(self._send_batches(), name="lane") for _ in range(lanes)]
        await until
        self._ending.set()
        await asyncio.gather(*sending)
        await self._end()
        if self._random.random() < _COMES_LATE:
            await self._send_batch()

    def _start_body(self) -> bytes:
        session_id = str(self._session.session_id)
        return ujson.dumps({"sessionId": session_id, "appId": "shop", "userId": "u"}).encode()

    async def _send_batches(self) -> None:
        while not self._over:
            await self._send_batch()
            await self._rest()

    async def _rest(self) -> None:
        """Wait for the next batch's time, or the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._random.uniform(*self._pause)):
                await self._ending.wait()

    async def _send_batch(self) -> None:
        sent, body, headers = self._make_batch()
        twice = self._random.random() < _SENDS_TWICE
        gives_up = self._random.random() < _GIVES_UP
        copies = [self._deliver(sent, body, headers, gives_up=gives_up) for _ in range(1 + twice)]
        await asyncio.gather(*copies)
        if sent.outcome == "unknown":
            self._history.tally.unknown += 1

    def _make_batch(self) -> tuple[SentBatch, bytes, dict[str, str]]:
        """Return the next batch, its body and its headers; some batches can't be stored."""
        name, now = len(self._session.batches), time.monotonic()
        bad = name > 0 and self._random.random() < _SENDS_NONSENSE
        made = make_bad_batch(name, now) if bad else make_batch(self._random, name, now)
        self._session.batches.append(made[0])
        return made

    async def _deliver(
        self, sent: SentBatch, body: bytes, headers: Mapping[str, str], *, gives_up: bool
    ) -> None:
        """Send a batch until it is answered, or only once."""
        path = f"/api/sessions/{self._session.session_id}/events"
        while True:
            sent.attempts += 1
            answer = await self._post(path, body, headers)
            if answer.status == 200:
                self._acknowledge(sent, answer.json)
                return
            if answer.status == 400:
                self._refuse(sent, answer.json)
                return
            if gives_up:
                return
            self._history.tally.retried += 1
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * _RETRY_SECONDS)

    def _refuse(self, sent: SentBatch, refusal: Mapping[str, object]) -> None:
        sent.outcome = "fail"
        self._history.tally.refused += 1
        if sent.good:
            self._violate("a good batch is not refused", f"batch {sent.name}: {refusal}")

    def _acknowledge(self, sent: SentBatch, receipt: Mapping[str, object]) -> None:
        first_sequence = receipt["firstSequence"]
        assert isinstance(first_sequence, int)
        if sent.first_sequence not in (None, first_sequence):
            self._violate("both receipts of a batch say the same", f"batch {sent.name}")
        if sent.outcome != "ok":
            tally = self._history.tally
            sent.outcome, sent.acknowledged_at = "ok", time.monotonic()
            tally.acknowledged += 1
            tally.longest_commit = max(tally.longest_commit, sent.acknowledged_at - sent.sent_at)
        sent.first_sequence = first_sequence
        self.stored_something.set()

    async def _end(self) -> None:
        session = self._session
        session.before_end = frozenset(b.name for b in session.batches if b.outcome == "ok")
        answer = await self._insist(f"/api/sessions/{session.session_id}/end", b"{}")
        session.ended = answer.status == 200

    async def _insist(self, path: str, body: bytes) -> Answer:
        """Post until there is an answer."""
        while True:
            answer = await self._post(path, body, {"Content-Type": "application/json"})
            if answer.status not in (0, 429, 503):
                return answer
            await asyncio.sleep(_RETRY_SECONDS)

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        url = self._random.choice(self._urls)
        headers = {**headers, "X-API-Key": self._key}
        try:
            async with self._http.post(
                url + path, data=body, headers=headers, timeout=_TIMEOUT
            ) as answer:
                content = await answer.read()
        except TimeoutError:
            self._violate(f"a request is answered within {HANG_SECONDS} s", path)
            return Answer(0, {})
        except (ClientError, OSError):
            return Answer(0, {})
        if answer.status not in (200, 400, 429, 503):
            self._violate("no answer but 200, 503 and a refusal's 400", f"{path} {answer.status}")
        return Answer(answer.status, ujson.loads(content))

    def _violate(self, promise: str, place: str) -> None:
        self._history.violate(promise, f"session {self._session.session_id} {place}")
