"""A plain, blocking client: one request after another."""

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from bench.errors import BenchError, RateLimited
from bench.recordings import BatchBody
from bench.target import Target

_TIMEOUT = 60.0
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    encoding: str | None
    body: bytes
    first_byte: float = 0.0
    """Seconds until the body began."""

    def json(self) -> Any:
        """Return the body's JSON."""
        return json.loads(self.body)


class Api:
    """Sends requests to a server over one connection; use as a context manager."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = http.client.HTTPConnection(target.host, target.port, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def start(self, session_id: UUID, start_time: int) -> None:
        """Start a session. Raises BenchError."""
        body = self._target.start_body(session_id, start_time)
        _expect_success(self._post("start", body), "start a session")

    def append(self, session_id: UUID, batch: BatchBody) -> Answer:
        """Post a batch."""
        return self._post(f"{session_id}/events", self._target.events_body(session_id, batch))

    def end(self, session_id: UUID, end_time: int) -> None:
        """End a session, on a server that knows how to."""
        self._post(f"{session_id}/end", json.dumps({"endTime": end_time, "stats": {}}).encode())

    def get(self, path: str, encoding: str = "identity") -> Answer:
        """Read with the read key; the body comes as it is on the wire. Raises BenchError."""
        headers = {"X-API-Key": self._target.keys.read, "Accept-Encoding": encoding}
        return self._request("GET", path, None, headers)

    def count_stored(self) -> int | None:
        """Return how many events the server has from us; None if it has no list to tell it."""
        stored: int = 0
        offset = 0
        place = "offset=0"
        while True:
            narrowed = f"userId={self._target.user_id}&limit={_PAGE}&{place}"
            answer = self.get(f"/api/sessions?{narrowed}")
            if answer.status != HTTPStatus.OK:
                return None
            page = answer.json()
            stored += sum(session["eventCount"] for session in page["sessions"])
            offset += len(page["sessions"])
            cursor = page.get("cursor")
            place = f"cursor={cursor}" if cursor else f"offset={offset}"
            if not cursor and (not page["sessions"] or offset >= page["total"]):
                return stored

    def count_events(self, session_id: UUID) -> int | None:
        """Return how many events a session has; None if the server does not tell."""
        answer = self.get(f"/api/sessions/{session_id}")
        if answer.status != HTTPStatus.OK:
            return None
        count: int = answer.json()["stats"]["totalEvents"]
        return count

    def _post(self, path: str, body: bytes) -> Answer:
        headers = {"X-API-Key": self._target.keys.ingest, "Content-Type": "application/json"}
        return self._request("POST", f"/api/sessions/{path}", body, headers)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            begun = time.perf_counter()
            self._connection.request(method, self._target.prefix + path, body, headers)
            response = self._connection.getresponse()
            response.peek(1)
            first_byte = time.perf_counter() - begun
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise BenchError(f"{self._target.name} does not answer: {error!r}") from error
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited
        return Answer(response.status, response.headers["Content-Encoding"], content, first_byte)


def _expect_success(answer: Answer, purpose: str) -> None:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        text = answer.body[:200].decode(errors="replace")
        raise BenchError(f"The server refused to {purpose}: {answer.status} {text}")
