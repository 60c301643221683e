"""Which events are taken, and the code and the place that the others are refused with."""

import gzip
import json
import zlib

import pytest

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

GOOD = json_bytes(CLICK)


def around(events: bytes, form: str) -> bytes:
    """Return the body with these events, plain or compressed."""
    return body_around(events) if form == "plain" else compressed_body(zlib.compress(events))


def nested(levels: int) -> bytes:
    """Return an event array whose JSON is this deep."""
    inner = levels - 2
    return b'[{"type":3,"timestamp":1,"x":%b%b}]' % (b"[" * inner, b"]" * inner)


FORMS = pytest.mark.parametrize("form", ["plain", "compressed"])

TAKEN = {
    "an unknown type": b'{"type":99,"timestamp":1}',
    "the largest type": b'{"type":2147483647,"timestamp":1}',
    "no data": b'{"type":0,"timestamp":1}',
    "null data": b'{"type":3,"timestamp":1,"data":null}',
    "text as data": b'{"type":3,"timestamp":1,"data":"text"}',
    "an array as data": b'{"type":3,"timestamp":1,"data":[1,{"source":2}]}',
    "text as source": b'{"type":3,"timestamp":1,"data":{"source":"2","type":2}}',
    "a huge source": b'{"type":3,"timestamp":1,"data":{"source":%b,"type":2}}' % (b"9" * 5000),
    "a fractional timestamp": b'{"type":3,"timestamp":1.5e3}',
    "a negative timestamp": b'{"type":3,"timestamp":-9223372036854775807}',
    "more members": b'{"type":3,"timestamp":1,"delay":-5,"data":{"x":[]},"y":1e999}',
    "escaped names": b'{"\\u0074ype":3,"timest\\u0061mp":1}',
    "U+0000": b'{"type":3,"timestamp":1,"data":{"text":"a\\u0000b"}}',
    "half an emoji": b'{"type":3,"timestamp":1,"data":{"text":"a\\ud83d"}}',
    "the other half": b'{"type":3,"timestamp":1,"data":{"\\uDE00":"\\uDE00\\uD83D"}}',
    "half an emoji after a backslash": b'{"type":3,"timestamp":1,"x":"\\\\\\ud83d \\\\ud83d"}',
    "private characters": b'{"type":3,"timestamp":1,"x":"\\ue83d\\n\xc3\xbe83d\\ud83d"}',
    "an emoji": '{"type":3,"timestamp":1,"x":"😀\\ud83d\\ude00"}'.encode(),
    "66 levels": nested(66)[1:-1],
    "800 levels": nested(800)[1:-1],
    "3 MB": b'{"type":2,"timestamp":1,"data":"%b"}' % (b"x" * 3_000_000),
}

REFUSED = {
    "a number": (b"7", "invalid_event", "events[1]"),
    "null": (b"null", "invalid_event", "events[1]"),
    "an array": (b"[]", "invalid_event", "events[1]"),
    "no type": (b'{"timestamp":1}', "invalid_event", "events[1].type"),
    "a fractional type": (b'{"type":3.0,"timestamp":1}', "invalid_event", "events[1].type"),
    "true as type": (b'{"type":true,"timestamp":1}', "invalid_event", "events[1].type"),
    "text as type": (b'{"type":"3","timestamp":1}', "invalid_event", "events[1].type"),
    "a negative type": (b'{"type":-1,"timestamp":1}', "invalid_event", "events[1].type"),
    "a large type": (b'{"type":2147483648,"timestamp":1}', "invalid_event", "events[1].type"),
    "a huge type": (
        b'{"type":%b,"timestamp":1}' % (b"9" * 5000),
        "invalid_event",
        "events[1].type",
    ),
    "no timestamp": (b'{"type":3}', "invalid_event", "events[1].timestamp"),
    "null as timestamp": (b'{"type":3,"timestamp":null}', "invalid_event", "events[1].timestamp"),
    "true as timestamp": (b'{"type":3,"timestamp":true}', "invalid_event", "events[1].timestamp"),
    "text as timestamp": (b'{"type":3,"timestamp":"1"}', "invalid_event", "events[1].timestamp"),
    "a large timestamp": (
        b'{"type":3,"timestamp":9223372036854775808}',
        "invalid_event",
        "events[1].timestamp",
    ),
    "a small timestamp": (b'{"type":3,"timestamp":-1e19}', "invalid_event", "events[1].timestamp"),
    "an infinite timestamp": (
        b'{"type":3,"timestamp":1e999}',
        "invalid_event",
        "events[1].timestamp",
    ),
    "a wrong type beside odd data": (
        b'{"type":3,"data":7,"timestamp":[]}',
        "invalid_event",
        "events[1].timestamp",
    ),
    "a short string": (b'"text"', "invalid_event", "events[1]"),
}

NOT_JSON = {
    "NaN": b'[{"type":3,"timestamp":NaN}]',
    "Infinity": b'[{"type":3,"timestamp":-Infinity}]',
    "a comma at the end": b'[{"type":3,"timestamp":1},]',
    "no end": b'[{"type":3,"timestamp":1}',
    "no end of a string": b'[{"type":3,"timestamp":1,"x":"',
    "single quotes": b"[{'type':3,'timestamp':1}]",
    "a leading zero": b'[{"type":3,"timestamp":1,"x":01}]',
    "a control character": b'[{"type":3,"timestamp":1,"x":"\n"}]',
    "an unknown escape": b'[{"type":3,"timestamp":1,"x":"\\x41"}]',
    "a cut escape": b'[{"type":3,"timestamp":1,"x":"\\ud8"}]',
    "a wrong escape": b'[{"type":3,"timestamp":1,"x":"\\ud8zz\\ud83d"}]',
    "a surrogate outside of a string": b'[{"type":3,"timestamp":1,"x":\\ud83d}]',
    "a second array": b'[{"type":3,"timestamp":1}][]',
}

NOT_UTF8 = {
    "a stray byte": b"\xff",
    "a cut character": b"\xf0\x9f\x98",
    "an overlong form": b"\xc0\xaf",
    "an encoded surrogate": b"\xed\xa0\xbd",
    "a byte far behind": b"\xc3\xa9" * 20_000 + b"\x80",
    "the mark of a surrogate": b"\\n\xfe83d",
}


@FORMS
@pytest.mark.parametrize("taken", TAKEN.values(), ids=TAKEN)
def test_a_strange_event_is_stored_exactly(taken: bytes, form: str) -> None:
    events = b"[%b,%b]" % (taken, GOOD)
    batch = parse(around(events, form))
    assert (stored_events(batch), batch.events.count) == (events, 2)


@pytest.mark.parametrize("taken", TAKEN.values(), ids=TAKEN)
def test_a_strange_event_is_no_click_and_hides_none(taken: bytes) -> None:
    assert parse(body_around(b"[%b,%b]" % (taken, GOOD))).events.clicks == 1


@FORMS
@pytest.mark.parametrize(("refused", "code", "place"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_event_is_refused_with_its_place(
    refused: bytes, code: str, place: str, form: str
) -> None:
    assert fault(around(b"[%b,%b]" % (GOOD, refused), form)) == (code, place)


@FORMS
@pytest.mark.parametrize("events", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(events: bytes, form: str) -> None:
    place = "events.data" if form == "compressed" else None
    assert fault(around(events, form)) == ("invalid_json", place)


def test_a_fault_of_syntax_tells_its_byte() -> None:
    with pytest.raises(Exception, match=r"Not valid JSON: .* \(byte 9\)"):
        parse(compressed_body(zlib.compress(b'[{"type":x}]')))


@FORMS
@pytest.mark.parametrize("text", NOT_UTF8.values(), ids=NOT_UTF8)
def test_what_is_not_utf8_is_refused(text: bytes, form: str) -> None:
    events = b'[{"type":3,"timestamp":1,"x":"%b"}]' % text
    place = "events.data" if form == "compressed" else None
    assert fault(around(events, form)) == ("invalid_utf8", place)


def test_a_fault_of_utf8_tells_its_byte() -> None:
    events = b'[{"type":3,"timestamp":1,"x":"' + "é".encode() * 20_000 + b'\xff"}]'
    with pytest.raises(Exception, match=rf"\(byte {events.index(0xFF)}\)"):
        parse(compressed_body(zlib.compress(events)))


@FORMS
@pytest.mark.parametrize("levels", [5_000, 500_000])
def test_json_that_is_too_deep_is_refused(levels: int, form: str) -> None:
    place = "events.data" if form == "compressed" else None
    assert fault(around(nested(levels), form)) == ("json_too_deep", place)


def test_what_is_taken_can_be_read_from_a_deeper_stack() -> None:
    def decode_from(frames: int, events: bytes) -> object:
        return decode_from(frames - 1, events) if frames else json.loads(events)

    deepest = max(n for n in range(700, 1_100) if _is_taken(nested(n)))
    assert decode_from(50, nested(deepest))


def _is_taken(events: bytes) -> bool:
    try:
        return bool(parse(compressed_body(zlib.compress(events))))
    except Exception:
        return False


def test_a_byte_order_mark_is_refused() -> None:
    assert fault(b"\xef\xbb\xbf{}") == ("invalid_json", None)


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"{}{}", b"\0", b"events"])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    assert fault(body) == ("invalid_json", None)


def test_one_wrong_event_refuses_its_batch_only() -> None:
    wrong, right = b'[{"type":3}]', json_bytes([event()])
    assert fault(compressed_body(gzip.compress(wrong))) == ("invalid_event", "events[0].timestamp")
    assert stored_events(parse(compressed_body(gzip.compress(right)))) == right
