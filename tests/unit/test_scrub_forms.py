"""Real recordings stay what they are when they are scrubbed, in every form they are sent in."""

import json
import zlib
from typing import Any

import pytest

from spectraview.ingest.body import parse_batch
from spectraview.ingest.requests import parse_start
from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES, Scrubber
from spectraview.storage.codec import split_events
from spectraview.storage.models import Batch, Codec
from tests.recordings import batches_of, load_recording, recording_names
from tests.unit.bodies import (
    COMPRESSORS,
    LIMITS,
    SESSION_ID,
    body_around,
    compressed_body,
    event,
    json_bytes,
    stored_events,
)
from tests.unit.test_scrub_fuzz import assert_same_but_for_masks, read

ALL = Scrubber(SCRUB_RULES)
TYPED = {"type": 3, "data": {"source": 5, "text": "sécret", "id": 7}, "timestamp": 1}
PLAIN = event(timestamp=2, data={"source": 1, "x": "\ud83d\0"})


def parse(body: bytes, scrubber: Scrubber = ALL) -> Batch:
    """Parse a body as it is parsed for a key with rules."""
    return parse_batch(SESSION_ID, body, idempotency_key=None, limits=LIMITS, scrubber=scrubber)


@pytest.mark.parametrize("name", recording_names())
def test_a_recording_is_the_same_but_for_masks(name: str) -> None:
    changed = 0
    for events in batches_of(load_recording(name)):
        raw = json_bytes(events)
        scrubbed = ALL.scrub_events(raw)
        for before, after in zip(split_events(raw), split_events(scrubbed), strict=True):
            if before != after:
                assert_same_but_for_masks(read(before), read(after))
                changed += 1
        assert ALL.scrub_events(scrubbed) is scrubbed
    assert changed  # in each of them somebody types


@pytest.mark.parametrize("codec", ["zlib", "gzip", "deflate"])
def test_what_has_no_secret_is_stored_as_it_came(codec: Codec) -> None:
    data = COMPRESSORS[codec](b" [ %b ]" % json_bytes(PLAIN))
    batch = parse(compressed_body(data))
    assert (batch.codec, batch.event_data) == (codec, data)


def forms(events: list[Any]) -> dict[str, bytes]:
    """Return bodies with these events in every form."""
    raw = json_bytes(events)
    pack = [zlib.compress(json_bytes(one | {"v": "v1"})).decode("latin-1") for one in events]
    return {
        "array": body_around(raw),
        "wrapped": json_bytes({"events": {"compressed": False, "data": events}}),
        "packed": json_bytes({"events": pack}),
        "packed and deflated": compressed_body(zlib.compress(json_bytes(pack))),
        **{codec: compressed_body(compress(raw)) for codec, compress in COMPRESSORS.items()},
    }


@pytest.mark.parametrize("form", forms([]))
def test_a_scrubbed_batch_tells_what_is_stored_and_is_known_by_what_was_sent(form: str) -> None:
    body = forms([PLAIN, TYPED])[form]
    batch, as_sent = parse(body), parse(body, Scrubber())
    stored = stored_events(batch)
    assert split_events(stored)[0] == split_events(stored_events(as_sent))[0]
    assert json.loads(stored)[1]["data"] == {"source": 5, "text": "******", "id": 7}
    assert batch.size_bytes == len(stored)
    assert (batch.digest, batch.batch_key) == (as_sent.digest, as_sent.batch_key)
    assert (batch.events.count, batch.events.types) == (2, (3,))


def test_what_is_noted_of_pages_is_scrubbed_too() -> None:
    page = event(4, data={"href": "https://a.example/?token=s3cret", "width": 1, "height": 1})
    assert b"s3cret" in parse(body_around(json_bytes([page])), Scrubber()).events.marks
    assert b"s3cret" not in parse(body_around(json_bytes([page]))).events.marks


def test_lists_and_metadata_are_scrubbed_but_for_what_names_the_session() -> None:
    item = {"eventType": "a@b.cc", "type": "Error", "message": "a@b.cc", "timestamp": 1, "n": "\0"}
    body = {"userId": "a@b.cc", "customEvents": [item], "errors": [item]}
    batch = parse(json_bytes(body))
    assert (batch.user_id, batch.custom_events[0].event_type) == ("a@b.cc", "******")
    assert batch.errors[0].message == "******"
    assert batch.errors[0].body == json_bytes(item).replace(b"a@b.cc", b"******")
    start = {"sessionId": str(SESSION_ID), "appId": "shop", "metadata": {"url": "/?q=a@b.cc"}}
    new = parse_start(
        json_bytes(start),
        key_app_id=None,
        key_ttl_hours=None,
        default_ttl_hours=1,
        scrubber=ALL,
    )
    assert (new.metadata, new.page_url) == ('{"url":"/?q=******"}', "/?q=******")
