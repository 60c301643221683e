"""Takes batches of events."""

import asyncio
from dataclasses import replace
from uuid import UUID

from aiohttp import web

from spectraview.api.limits import count_stored
from spectraview.api.present import receipt_json
from spectraview.api.requests import app_id_of, read_body, session_id_of
from spectraview.api.responses import json_response
from spectraview.api.scrubbing import INLINE_SCRUBBED, inline_scrubber, scrub_rules_of
from spectraview.errors import AppForbidden, InflatedTooLarge, TooMuchToScrub
from spectraview.ingest.body import Limits, parse_batch, split_batches
from spectraview.ingest.scrubbing.scrubber import Scrubber
from spectraview.keys import API_KEY, COMMITTER, CONFIG, PLACE, RECORDER, REQUESTS, USAGE
from spectraview.observability.tracing import span
from spectraview.storage.models import Batch

_INLINE_BODY = 131_072
_INLINE_INFLATED = 1_048_576
"""What is parsed on the event loop: about 1 ms of work. The rest goes to a thread."""


async def append_batch(request: web.Request) -> web.Response:
    """Store a batch of events, or several, and show it to the session's viewers."""
    session_id = session_id_of(request)
    request.app[COMMITTER].check_room()
    body = await read_body(request)
    sent = request[PLACE].bytes
    several = split_batches(body)
    if several is None:
        key = request.headers.get("Idempotency-Key")
        return json_response(await _append(request, session_id, body, key, sent))
    # One after another: what a page sends when it goes shall keep its order.
    receipts = [
        await _append(request, session_id, each, None, sent * len(each) // len(body))
        for each in several
    ]
    return json_response({"success": True, "batches": receipts})


async def _append(
    request: web.Request,
    session_id: UUID,
    body: bytes,
    idempotency_key: str | None,
    sent_bytes: int,
) -> dict[str, object]:
    """Store one batch and return its receipt."""
    batch = await parse_for(request, session_id, body, idempotency_key=idempotency_key)
    receipt = await request.app[RECORDER].append_batch(
        batch, request[USAGE], bound_app_id=app_id_of(request)
    )
    count_stored(request, receipt, sent_bytes)
    return receipt_json(receipt)


async def parse_for(
    request: web.Request, session_id: UUID, body: bytes, *, idempotency_key: str | None
) -> Batch:
    """Return the batch in a body, of the app that the request's key may write to.

    Raises AppForbidden and what `parse_batch` raises.
    """
    now = asyncio.get_running_loop().time
    began = now()
    with span("parse", bytes=len(body)):
        batch = await _parse(request, session_id, body, idempotency_key)
    request.app[REQUESTS].parse.observe(now() - began)
    bound, ttl_hours = app_id_of(request), request[API_KEY].ttl_hours
    if bound is None and ttl_hours is None:
        return batch
    if bound is not None and batch.app_id not in (None, bound):
        raise AppForbidden(where="appId")
    return replace(batch, app_id=bound or batch.app_id, ttl_hours=ttl_hours)


async def _parse(
    request: web.Request, session_id: UUID, body: bytes, idempotency_key: str | None
) -> Batch:
    config, rules = request.app[CONFIG], scrub_rules_of(request)

    def parse(max_inflated: int, scrubber: Scrubber) -> Batch:
        return parse_batch(
            session_id,
            body,
            idempotency_key=idempotency_key,
            limits=Limits(min(max_inflated, config.max_inflated), config.max_events),
            scrubber=scrubber,
        )

    if len(body) <= _INLINE_BODY:
        try:
            return parse(INLINE_SCRUBBED if rules else _INLINE_INFLATED, inline_scrubber(rules))
        except (InflatedTooLarge, TooMuchToScrub):
            pass  # or the thread says the same again
    return await asyncio.to_thread(parse, config.max_inflated, Scrubber(rules))
