"""A client that speaks the contract, as the SDK, a visualizer or a support agent's page would."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import ujson
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient

from tests.openapi.conformance import the_conformance
from tests.recordings import Event, batch_body, batches_of

_PATIENCE = 20.0
_COMPARED = 1_000_000
"""Bytes of an answer that is compared with the document: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def exposed(self) -> set[str]:
        """Return its headers that a page of another origin may read beside what browsers show."""
        names = self.headers.get("Access-Control-Expose-Headers", "").split(", ")
        return {name for name in names if name in self.headers}


class ApiClient:
    """Sends requests with the key of the scope that they need.

    All answers but those with a status in `undocumented` must be as the API's document says.
    """

    def __init__(
        self,
        client: TestClient[web.Request, web.Application],
        keys: Mapping[str, str],
        undocumented: Collection[int] = (),
    ) -> None:
        self.client = client
        self.keys = keys
        self._undocumented = undocumented

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = "ingest",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; `key` is a scope, another key's text, or None for none; bytes go as
        they are.
        """
        sent = dict(headers or {})
        sent.setdefault("Content-Type", "application/json")
        if key is not None:
            sent["X-API-Key"] = self.keys.get(key, key)
        text = body if isinstance(body, bytes) or body is None else ujson.dumps(body).encode()
        data = BytesIO(text) if text is not None else None
        async with self.client.request(method, path, data=data, headers=sent) as response:
            content = await response.read()
            is_json = response.content_type == "application/json" and content
            parsed = ujson.loads(content) if is_json else content
            answer = Answer(response.status, parsed, response.headers)
        if len(content) <= _COMPARED and answer.status not in self._undocumented:
            place, heads = path.partition("?")[0], answer.headers
            faults = the_conformance().faults(method, place, answer.status, heads, parsed)
            assert not faults, f"{method} {path} is not as the document of the API says: {faults}"
        return answer

    async def get(self, path: str, **options: Any) -> Answer:
        """Read with the read key."""
        return await self.request("GET", path, **({"key": "read"} | options))

    async def start(self, session_id: UUID | None = None, **members: object) -> UUID:
        """Start a session and return its id."""
        session_id = session_id or uuid4()
        body = {"sessionId": str(session_id), "userId": "user-123", "appId": "shop"} | members
        answer = await self.request("POST", "/api/sessions/start", body)
        assert answer.status == 200, answer
        return session_id

    async def post_events(
        self, session_id: UUID, body: object, *, path: str = "events", **options: Any
    ) -> Answer:
        """Post a body to one of a session's addresses."""
        return await self.request("POST", f"/api/sessions/{session_id}/{path}", body, **options)

    async def send(self, session_id: UUID, events: Sequence[Event], **members: object) -> Answer:
        """Post one batch of events, deflated as the SDK does."""
        answer = await self.post_events(session_id, batch_body(events, **members))
        assert answer.status == 200, answer
        return answer

    async def upload(self, session_id: UUID, events: Sequence[Event]) -> None:
        """Post a whole recording in the SDK's batches, one after another."""
        for batch in batches_of(events):
            await self.send(session_id, batch)

    async def end(self, session_id: UUID, **members: object) -> Answer:
        """End a session."""
        return await self.post_events(session_id, members, path="end")

    async def replay(self, session_id: UUID) -> Any:
        """Return a session's replay."""
        answer = await self.get(f"/api/sessions/{session_id}/replay")
        assert answer.status == 200, answer
        return answer.json

    @asynccontextmanager
    async def watch(
        self,
        session_id: UUID,
        *,
        key: str | None = "read",
        token: str | None = None,
        start: object = None,
        **members: object,
    ) -> AsyncIterator["LiveClient"]:
        """Subscribe to a session's live view; `start` is the message's `from`."""
        path = f"/api/sessions/{session_id}/live"
        if token is not None:
            path += f"?token={token}"
        headers = {"X-API-Key": self.keys.get(key, key)} if key is not None else {}
        async with self.client.ws_connect(path, headers=headers, max_msg_size=0) as websocket:
            message = {"type": "subscribe", "sessionId": str(session_id)} | members
            if start is not None:
                message["from"] = start
            await websocket.send_str(ujson.dumps(message))
            yield LiveClient(websocket)


class LiveClient:
    """One viewer's end of the WebSocket."""

    def __init__(self, websocket: ClientWebSocketResponse) -> None:
        self.websocket = websocket
        self.viewers: int | None = None
        self.degraded = False

    async def next(self) -> Any:
        """Return the next JSON message; None once the server has closed, whose code is then known.

        How many watch, and whether batches come late, comes at any moment: it is kept, and not
        returned.
        """
        while True:
            message = await self.websocket.receive(timeout=_PATIENCE)
            if message.type is WSMsgType.BINARY:
                return message.data
            if message.type is not WSMsgType.TEXT:
                return None
            content = ujson.loads(message.data)
            if not self._is_news(content):
                return content

    def _is_news(self, content: Any) -> bool:
        """Keep what is told at any moment."""
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "viewers":
            self.viewers = content["viewers"]
        elif kind == "degraded":
            self.degraded = content["degraded"]
        return kind in ("viewers", "degraded")

    async def becomes_one_of(self, viewers: int) -> None:
        """Return when the server has told that so many watch."""
        async with asyncio.timeout(_PATIENCE):
            while self.viewers != viewers:
                self._is_news(await self.websocket.receive_json(loads=ujson.loads))

    async def becomes_degraded(self) -> None:
        """Return when the server has told that batches come late."""
        async with asyncio.timeout(_PATIENCE):
            while not self.degraded:
                self._is_news(await self.websocket.receive_json(loads=ujson.loads))

    async def recovers(self) -> None:
        """Return when the server has told that batches come at once again."""
        async with asyncio.timeout(_PATIENCE):
            while self.degraded:
                self._is_news(await self.websocket.receive_json(loads=ujson.loads))

    async def take(self, count: int) -> list[Any]:
        """Return the next `count` messages."""
        async with asyncio.timeout(_PATIENCE):
            return [await self.next() for _ in range(count)]

    async def rest(self) -> list[Any]:
        """Return all messages until the server closes."""
        messages = []
        while (message := await self.next()) is not None:
            messages.append(message)
        return messages

    @property
    def close_code(self) -> int | None:
        """Return the code that the server closed with."""
        return self.websocket.close_code
