"""The batches that publishers make up: each thing in them says which it is."""

import base64
import json
import zlib
from random import Random
from typing import Any

from tests.faults.history import Item, SentBatch

META, FULL_SNAPSHOT, INCREMENTAL = 4, 2, 3
_LARGE_BYTES = 90_000
_ODD_TEXTS = ("\u0000", "\ud83d", "ñ€", "</script>", "")
_START_TIME = 1_750_000_000_000


def make_batch(random: Random, name: int, now: float) -> tuple[SentBatch, bytes, dict[str, str]]:
    """Return a batch as its publisher notes it, its body, and its headers."""
    kind = random.random()
    events = [_event(random, name, place) for place in range(random.randint(2, 8))]
    if name == 0 or kind < 0.06:
        events[0]["type"], events[1]["type"] = META, FULL_SNAPSHOT
    elif kind < 0.12:
        events[-1]["data"]["pad"] = random.randbytes(_LARGE_BYTES).hex()
    elif kind < 0.18:
        events = []  # only custom events
    customs = random.choice((0, 0, 0, 1, 2)) if events else random.randint(1, 2)
    errors = random.choice((0, 0, 0, 0, 1))
    body: dict[str, object] = {
        "appId": "shop",
        "userId": "user-123",
        "events": _packed(events) if random.random() < 0.7 else events,
        "customEvents": [_custom_event(name, place) for place in range(customs)],
        "errors": [_error(name, place) for place in range(errors)],
        "metadata": {"timestamp": 1, "eventCount": len(events)},
    }
    headers = {"Content-Type": "application/json"}
    identified = random.randrange(3)  # else by its content
    if identified == 0:
        headers["Idempotency-Key"] = f"batch-{name}"
    elif identified == 1:
        body["metadata"] = {"batchId": f"batch-{name}"}
    sent = SentBatch(name, len(events), customs, errors, now)
    return sent, json.dumps(body).encode(), headers


def make_bad_batch(name: int, now: float) -> tuple[SentBatch, bytes, dict[str, str]]:
    """Return a batch that can't be stored: one of its events is none."""
    events = [_incremental(name, 0), {"type": "three"}]
    body = {"appId": "shop", "events": _packed(events), "customEvents": [], "errors": []}
    headers = {"Content-Type": "application/json"}
    return SentBatch(name, 2, 0, 0, now, good=False), json.dumps(body).encode(), headers


def item_of(thing: Any) -> Item:
    """Return which thing this is, of those that were made here."""
    if thing["type"] == "custom":
        return "custom", thing["data"]["batch"], thing["data"]["place"]
    if thing["type"] == "javascript_error":
        return "error", thing["batch"], thing["place"]
    return "event", thing["data"]["batch"], thing["data"]["place"]


def _event(random: Random, name: int, place: int) -> dict[str, Any]:
    event = _incremental(name, place)
    event["data"]["text"] = random.choice(_ODD_TEXTS) * random.randrange(20)
    return event


def _incremental(name: int, place: int) -> dict[str, Any]:
    data = {"source": 1, "batch": name, "place": place}
    return {"type": INCREMENTAL, "data": data, "timestamp": _START_TIME + 100 * name + place}


def _custom_event(name: int, place: int) -> dict[str, Any]:
    data = {"batch": name, "place": place}
    return {"type": "custom", "eventType": "step", "data": data, "timestamp": _START_TIME}


def _error(name: int, place: int) -> dict[str, Any]:
    kind = {"type": "javascript_error", "message": "no \ud83d", "stack": "at x"}
    return kind | {"batch": name, "place": place, "timestamp": _START_TIME}


def _packed(events: list[dict[str, Any]]) -> dict[str, object]:
    text = json.dumps(events, separators=(",", ":")).encode()
    return {"compressed": True, "data": base64.b64encode(zlib.compress(text, 1)).decode()}
