"""Real recordings go through unchanged, in every form."""

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from spectraview.storage.codec import split_events
from spectraview.storage.models import Codec
from tests.unit.bodies import (
    COMPRESSORS,
    body_around,
    compressed_body,
    json_bytes,
    parse,
    stored_events,
)

TESTS = Path(__file__).parents[1]
FOLDERS = [TESTS / "recordings", TESTS.parents[1] / "shared" / "recordings"]
RECORDINGS = {path.stem: path for folder in FOLDERS for path in folder.glob("*.json.gz")}


@pytest.fixture(scope="module", params=RECORDINGS)
def batches(request: pytest.FixtureRequest) -> list[list[object]]:
    """Return a recording's events in batches of 50."""
    recording = RECORDINGS[request.param].read_bytes()
    events = iter(json.loads(gzip.decompress(recording)))
    return list(iter(lambda: list(islice(events, 50)), []))


@pytest.mark.parametrize("codec", ["zlib", "gzip", "deflate"])
def test_a_compressed_recording_is_stored_as_it_came(
    batches: list[list[object]], codec: Codec
) -> None:
    for events in batches:
        data = COMPRESSORS[codec](json_bytes(events))
        batch = parse(compressed_body(data))
        assert (batch.codec, batch.event_data, batch.events.count) == (codec, data, len(events))


def test_a_plain_recording_is_stored_exactly(batches: list[list[object]]) -> None:
    for events in batches:
        raw = json_bytes(events)
        assert stored_events(parse(body_around(raw))) == raw


def test_a_recording_is_cut_into_its_exact_events(batches: list[list[object]]) -> None:
    for events in batches:
        pieces = [json_bytes(event) for event in events]
        assert split_events(b"[%b]" % b",".join(pieces)) == pieces


def test_the_first_batch_of_a_recording_begins_with_a_keyframe(
    batches: list[list[object]],
) -> None:
    summary = parse(body_around(json_bytes(batches[0]))).events
    assert summary.keyframes
    assert {2, 4} <= set(summary.types)
