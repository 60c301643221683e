"""The recordings that tests send: real ones, and how an SDK posts them."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Event = dict[str, Any]

_OWN = Path(__file__).parent / "recordings"
_SHARED = Path(__file__).parents[2] / "shared" / "recordings"
BATCH_SIZE = 50


def recording_names() -> list[str]:
    """Return the names of the recordings: two always, the large ones where they lie beside."""
    files = [*_OWN.glob("*.json.gz"), *_SHARED.glob("*.json.gz")]
    return sorted({file.name.removesuffix(".json.gz") for file in files})


def load_recording(name: str) -> list[Event]:
    """Return a recording's events."""
    file = _OWN / f"{name}.json.gz"
    if not file.exists():
        file = _SHARED / f"{name}.json.gz"
    events: list[Event] = json.loads(gzip.decompress(file.read_bytes()))
    return events


def batches_of(events: Sequence[Event], size: int = BATCH_SIZE) -> Iterator[Sequence[Event]]:
    """Cut events into the SDK's batches."""
    return (events[start : start + size] for start in range(0, len(events), size))


def packed(events: Sequence[Event]) -> dict[str, object]:
    """Return events as the SDK sends them: deflated, in base64."""
    text = json.dumps(events, separators=(",", ":"))
    return {"compressed": True, "data": base64.b64encode(zlib.compress(text.encode())).decode()}


def batch_body(events: Sequence[Event], **members: object) -> dict[str, object]:
    """Return the body of one POST of events."""
    body: dict[str, object] = {
        "userId": "user-123",
        "appId": "shop",
        "events": packed(events),
        "customEvents": [],
        "errors": [],
        "metadata": {"timestamp": 1, "eventCount": len(events)},
    }
    return body | members
