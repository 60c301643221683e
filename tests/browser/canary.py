"""A server that nobody may call, and recorded pages that try to."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.recordings import Event

START = 1_700_000_000_000


@dataclass
class Canary:
    """The server's address and the requests that it got."""

    url: str = ""
    calls: list[str] = field(default_factory=list)

    async def note(self, request: web.Request) -> web.Response:
        """Keep a request."""
        self.calls.append(request.path_qs)
        return web.Response(headers={"Access-Control-Allow-Origin": "*"})


@asynccontextmanager
async def listening_canary() -> AsyncIterator[Canary]:
    """Run a canary."""
    canary = Canary()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", canary.note)
    async with TestServer(app, host="127.0.0.1") as server:
        canary.url = str(server.make_url("/")).rstrip("/")
        yield canary


def element(tag: str, *children: Any, svg: bool = False, **attributes: Any) -> dict[str, Any]:
    """Return an element as rrweb records it; a final underscore of a name is left out, and two
    stand for a colon or dash.
    """
    named = {name.rstrip("_").replace("__", "-"): value for name, value in attributes.items()}
    node = {"type": 2, "tagName": tag, "attributes": named, "childNodes": list(children)}
    return node | ({"isSVG": True} if svg else {})


def text(content: str, *, style: bool = False) -> dict[str, Any]:
    """Return a text as rrweb records it."""
    return {"type": 3, "textContent": content} | ({"isStyle": True} if style else {})


def page_of(*body: dict[str, Any], head: tuple[dict[str, Any], ...] = ()) -> list[Event]:
    """Return the recording of a page with this body, that shows `ready` at its end."""
    html = element(
        "html", element("head", *head), element("body", *body, element("p", text("ready")))
    )
    document = {"type": 0, "childNodes": [{"type": 1, "name": "html"}, html]}
    document = _numbered(json.loads(json.dumps(document)))
    size = {"href": "https://victim.example/", "width": 800, "height": 600}
    snapshot = {"node": document, "initialOffset": {"left": 0, "top": 0}}
    return [
        {"type": 4, "data": size, "timestamp": START},
        {"type": 2, "data": snapshot, "timestamp": START + 1},
        incremental(2, type=2, id=1, x=1, y=1, after=3000),
    ]


def incremental(source: int, *, after: int = 100, **data: Any) -> Event:
    """Return an incremental event so many milliseconds after the start."""
    return {"type": 3, "data": {"source": source, **data}, "timestamp": START + after}


def _numbered(document: dict[str, Any]) -> dict[str, Any]:
    """Give each node an id, in document order from 1."""
    count = 0
    waiting = [document]
    while waiting:
        node = waiting.pop()
        count += 1
        node["id"] = count
        waiting.extend(reversed(node.get("childNodes", [])))
    return document
