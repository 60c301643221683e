"""Events packed by @rrweb/packer."""

import json
import zlib
from typing import Any

import pytest

from spectraview.ingest.body import Limits
from tests.unit.bodies import (
    CLICK,
    body_around,
    compressed_body,
    event,
    fault,
    json_bytes,
    parse,
    stored_events,
)


def pack(packed: dict[str, Any], mark: str | None = "v1") -> str:
    """Pack an event as rrweb does: a string whose characters are the bytes of a zlib stream."""
    return zlib.compress(json_bytes({**packed, "v": mark} if mark else packed)).decode("latin-1")


def test_packed_events_are_stored_unpacked() -> None:
    batch = parse({"events": [pack(CLICK), pack(event(text="é😀"))]})
    assert stored_events(batch) == json_bytes([{**CLICK, "v": "v1"}, event(text="é😀", v="v1")])
    assert (batch.codec, batch.size_bytes) == ("zlib", len(stored_events(batch)))


def test_packed_and_plain_events_may_be_mixed() -> None:
    exact = b'{"type": 2, "timestamp": 5, "x": "\\ud83d"}'
    events = b"[%b, %b ,%b]" % (json_bytes(pack(CLICK)), exact, json_bytes(pack(event(4))))
    batch = parse(body_around(events))
    assert batch.events.types == (2, 3, 4)
    assert exact in stored_events(batch)


def test_packed_events_may_be_compressed_once_more() -> None:
    data = zlib.compress(json_bytes([pack(CLICK)]))
    batch = parse(compressed_body(data))
    assert stored_events(batch) == json_bytes([{**CLICK, "v": "v1"}])


def test_packed_events_are_counted_like_others() -> None:
    summary = parse({"events": [pack(CLICK), CLICK]}).events
    assert (summary.count, summary.clicks) == (2, 2)


def test_a_string_of_plain_json_is_an_event() -> None:
    batch = parse({"events": [json.dumps(CLICK), " " + json.dumps(event(text="é"))]})
    assert json.loads(stored_events(batch)) == [CLICK, event(text="é")]


def test_half_an_emoji_survives_packing() -> None:
    half = event(text="\ud83d", v="v1")
    batch = parse({"events": [pack(event(text="\ud83d")), json.dumps(half, ensure_ascii=False)]})
    assert json.loads(stored_events(batch)) == [half, half]


def test_the_digest_is_that_of_the_packed_bytes() -> None:
    packed, unpacked = parse({"events": [pack(CLICK)]}), parse({"events": [{**CLICK, "v": "v1"}]})
    assert packed.digest != unpacked.digest


REFUSED = {
    "text": ("a string that is not an event", "events[1]"),
    "a cut stream": (pack(CLICK)[:-1], "events[1]"),
    "a damaged stream": ("x" + pack(CLICK)[:-1] + "\0", "events[1]"),
    "two streams": (pack(CLICK) * 2, "events[1]"),
    "characters that are no bytes": (pack(CLICK) + "€", "events[1]"),
    "no mark": (pack(CLICK, mark=None), "events[1]"),
    "another mark": (pack(CLICK, mark="v2"), "events[1]"),
    "a packed array": (zlib.compress(json_bytes([CLICK] * 9)).decode("latin-1"), "events[1]"),
    "a packed string": (zlib.compress(json_bytes(pack(CLICK))).decode("latin-1"), "events[1]"),
    "no timestamp": (pack({"type": 3, "data": {}}), "events[1].timestamp"),
    "a number as mark": (pack({**CLICK, "v": 1}, mark=None), "events[1].v"),
}


@pytest.mark.parametrize(("refused", "place"), REFUSED.values(), ids=REFUSED)
def test_a_string_that_is_no_packed_event_is_refused(refused: str, place: str) -> None:
    assert fault({"events": [CLICK, refused]}) == ("invalid_event", place)


@pytest.mark.parametrize(
    "packed", [b"{not JSON, but long enough}", b'{"type":3,"timestamp":1},{"type":3,"timestamp":1}']
)
@pytest.mark.parametrize("plain", [True, False])
def test_a_packed_text_that_is_not_json_is_refused(packed: bytes, plain: bool) -> None:
    text = packed.decode() if plain else zlib.compress(packed).decode("latin-1")
    assert fault({"events": [text]}) == ("invalid_json", "events[0]")


def test_a_packed_text_that_is_not_utf8_is_refused() -> None:
    text = zlib.compress(b'{"type":3,"timestamp":1,"v":"v1","x":"\xff"}').decode("latin-1")
    assert fault({"events": [text]}) == ("invalid_utf8", "events[0]")


def test_a_packed_event_that_is_too_deep_is_refused() -> None:
    text = b'{"type":3,"timestamp":1,"v":"v1","x":%b%b}' % (b"[" * 5_000, b"]" * 5_000)
    packed = zlib.compress(text).decode("latin-1")
    assert fault({"events": [packed]}) == ("json_too_deep", "events[0]")


def test_packed_events_share_one_limit() -> None:
    packed = pack(event(text="x" * 600_000))
    limits = Limits(max_inflated=1_000_000, max_events=10)
    assert parse({"events": [packed]}, limits=limits).events.count == 1
    assert fault({"events": [packed] * 2}, limits=limits) == ("inflated_too_large", "events[1]")


def test_a_packed_bomb_is_refused() -> None:
    bomb = zlib.compress(bytes(100_000_000)).decode("latin-1")
    assert fault({"events": [bomb]}) == ("inflated_too_large", "events[0]")
