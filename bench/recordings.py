"""Real recordings, cut into the bodies that the SDK would post."""

import base64
import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import BenchError

Event = dict[str, Any]

BATCH_SIZE = 50
_PROJECT = Path(__file__).parents[1]
_FOLDERS = (_PROJECT / "tests/recordings", _PROJECT.parent / "shared/recordings")


@dataclass(frozen=True, slots=True)
class BatchBody:
    """A batch as the SDK posts it: all of the body but the members that name its session."""

    event_count: int
    raw_bytes: int
    members: bytes = field(repr=False)


@dataclass(frozen=True)
class Recording:
    """One recorded session: its events and the batches that carry them."""

    name: str
    events: Sequence[Event] = field(repr=False)
    batches: Sequence[BatchBody] = field(repr=False)

    @cached_property
    def raw_bytes(self) -> int:
        """Return the size of the events as JSON."""
        return sum(batch.raw_bytes for batch in self.batches)


def default_files() -> list[Path]:
    """Return the project's own recordings, and the larger ones where they lie beside it."""
    found = [file for folder in _FOLDERS for file in sorted(folder.glob("*.json.gz"))]
    return list({file.name: file for file in reversed(found)}.values())[::-1]


def load_recording(file: Path) -> Recording:
    """Read a gzip'd JSON array of events. Raises BenchError."""
    try:
        events: list[Event] = json.loads(gzip.decompress(file.read_bytes()))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BenchError(f"{file} is no gzip'd recording: {error}") from error
    if not isinstance(events, list) or not events:
        raise BenchError(f"{file} holds no JSON array of events")
    parts = (events[start : start + BATCH_SIZE] for start in range(0, len(events), BATCH_SIZE))
    name = file.name.removesuffix(".gz").removesuffix(".json")
    return Recording(name, events, [batch_body(part) for part in parts])


def batch_body(events: Sequence[Event]) -> BatchBody:
    """Deflate events into a body."""
    text = event_text(events)
    members = {
        "events": {"compressed": True, "data": base64.b64encode(zlib.compress(text)).decode()},
        "customEvents": [],
        "errors": [],
        "metadata": {
            "timestamp": events[-1]["timestamp"],
            "eventCount": len(events),
            "customEventCount": 0,
            "errorCount": 0,
        },
    }
    body = json.dumps(members, separators=(",", ":")).encode()
    return BatchBody(len(events), len(text), body.removeprefix(b"{"))


def event_text(value: object) -> bytes:
    """Return the JSON that a browser would make."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON.stringify escapes
        return json.dumps(value, separators=(",", ":")).encode()
