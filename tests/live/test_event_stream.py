"""The live view as server-sent events, as an EventSource reads it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import ujson
from aiohttp import ClientResponse

from tests.api_client import ApiClient
from tests.recordings import load_recording


class EventSource:
    """Reads a stream of server-sent events."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    async def next(self) -> dict[str, Any] | None:
        """Return the next event with its id, its name and its data; None at the end.

        How many watch is told at any moment: it is passed over.
        """
        event: dict[str, Any] = {}
        while line := (await self._response.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name in ("id", "event"):
                event[name] = value
            elif name == "data":
                event["data"] = ujson.loads(value)
            elif line == "\n" and event.get("event") == "viewers":
                event = {}
            elif line == "\n" and event:
                return event
        return None

    async def skip_to(self, name: str) -> dict[str, Any]:
        """Return the next event of this name."""
        while (event := await self.next()) is not None:
            if event.get("event") == name:
                return event
        raise AssertionError(f"the stream ended before {name}")


@asynccontextmanager
async def stream(
    api: ApiClient, session_id: UUID, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[EventSource]:
    """Open a session's event stream."""
    sent = {"X-API-Key": api.keys["read"], "Accept": "text/event-stream", **(headers or {})}
    path = f"/api/sessions/{session_id}/live{query}"
    async with api.client.get(path, headers=sent) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield EventSource(response)


async def test_each_event_comes_once_with_its_sequence_as_id(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")
    async with stream(api, session_id) as source:
        await source.skip_to("synced")
        await api.upload(session_id, events)
        received = [await source.next() for _ in events]
    assert received == [{"id": str(n), "data": event} for n, event in enumerate(events)]


async def test_a_reconnect_goes_on_after_the_last_event_id(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")
    await api.upload(session_id, events[:100])
    async with stream(api, session_id, headers={"Last-Event-ID": "79"}) as source:
        await source.skip_to("subscribed")
        assert await source.next() == {"id": "80", "data": events[80]}


async def test_a_stream_begins_where_it_is_asked_to(api: ApiClient) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")[:50]
    await api.send(session_id, events)
    for query, first in (("?from=start", 0), ("?sequence=49", 49), ("", 2)):
        async with stream(api, session_id, query) as source:
            await source.skip_to("subscribed")
            assert await source.next() == {"id": str(first), "data": events[first]}


async def test_custom_events_and_errors_are_named(api: ApiClient) -> None:
    session_id = await api.start()
    custom = {"type": "custom", "eventType": "paid", "data": {}, "timestamp": 5}
    error = {"type": "javascript_error", "message": "a\nb", "timestamp": 6}
    async with stream(api, session_id) as source:
        await source.skip_to("synced")
        await api.send(session_id, [], customEvents=[custom], errors=[error])
        assert await source.next() == {"event": "customEvent", "data": custom}
        assert await source.next() == {"event": "sessionError", "data": error}


async def test_events_that_are_written_over_many_lines_come_on_one(api: ApiClient) -> None:
    session_id = await api.start()
    body = b'{"appId":"shop","events":[{"type":3,\r\n"data":{"a":"\\n"},\n\n"timestamp":1}]}'
    async with stream(api, session_id) as source:
        await source.skip_to("synced")
        assert (await api.post_events(session_id, body)).status == 200
        expected = {"type": 3, "data": {"a": "\n"}, "timestamp": 1}
        assert await source.next() == {"id": "0", "data": expected}


async def test_the_end_is_told_and_keeps_the_client_from_coming_again(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, load_recording("todo-small")[:50])
    async with stream(api, session_id) as source:
        await api.end(session_id)
        assert (await source.skip_to("ended"))["data"] == {"type": "ended", "sequence": 50}
        assert (await source.skip_to("close"))["data"]["code"] == 1000
        assert await source.next() is None
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "49"}
    again = await api.get(f"/api/sessions/{session_id}/live", headers=headers)
    assert again.status == 204


async def test_a_stream_that_is_left_counts_no_more(api: ApiClient) -> None:
    session_id = await api.start()
    path = f"/api/sessions/{session_id}"
    async with stream(api, session_id) as source:
        await source.skip_to("synced")
        assert (await api.get(path)).json["viewers"] == 1
    async with api.watch(session_id, protocol=2) as viewer:
        assert (await viewer.next())["type"] == "subscribed"
        while (await api.get(path)).json["viewers"] != 1:
            await api.send(session_id, load_recording("todo-small")[:1])


async def test_a_wrong_start_is_refused(api: ApiClient) -> None:
    session_id = await api.start()
    headers = {"Accept": "text/event-stream"}
    answer = await api.get(f"/api/sessions/{session_id}/live?from=x", headers=headers)
    assert (answer.status, answer.json["where"]) == (400, "from")
