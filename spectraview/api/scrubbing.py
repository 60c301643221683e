"""What is scrubbed of a request's body, by the rules of its key and of the server, and where."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from spectraview.errors import TooMuchToScrub
from spectraview.ingest.scrubbing.scrubber import Scrubber
from spectraview.keys import API_KEY, CONFIG

INLINE_SCRUBBED = 131_072
"""Bytes of JSON that are scrubbed on the event loop: about 1 ms of work."""
_INLINE_STEPS = 1000
"""For each of the three lists of a batch."""

_Parsed = TypeVar("_Parsed")


def scrub_rules_of(request: web.Request) -> frozenset[str]:
    """Return what is masked in all that comes in by this request."""
    return request[API_KEY].scrub | request.app[CONFIG].scrub_rules


def inline_scrubber(rules: frozenset[str]) -> Scrubber:
    """Return a scrubber for the event loop: it gives up on what would take long."""
    return Scrubber(rules, _INLINE_STEPS)


async def parse_scrubbed(
    request: web.Request, body: bytes, parse: Callable[[Scrubber], _Parsed]
) -> _Parsed:
    """Parse a body that is scrubbed meanwhile; in a thread if there is much to look at."""
    rules = scrub_rules_of(request)
    if not rules:
        return parse(Scrubber())
    if len(body) <= INLINE_SCRUBBED:
        try:
            return parse(inline_scrubber(rules))
        except TooMuchToScrub:
            pass
    return await asyncio.to_thread(parse, Scrubber(rules))
