"""Whatever the bytes: a strict JSON reader agrees about what is taken, and it is kept exactly."""

import json
import re
import zlib
from typing import Any, NoReturn

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spectraview.errors import ApiError
from spectraview.storage.codec import (
    mark_surrogates,
    split_events,
    unmark_surrogates,
)
from tests.unit.bodies import body_around, compressed_body, parse, stored_events

REFUSED: Any = object()
REFUSED_BY_POSTGRESQL = re.compile("[\0\ud800-\udfff]")
FRAGMENTS = [
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\t", b"0", b"-", b"1e5", b"."),
    *(b"\\u", b"\\ud83d", b"\\uDE00", b"\\ue83d", b"\\u0000", b"\\n", b"d83d", b"n", b"ud8"),
    *(
        b"null",
        b"true",
        b"NaN",
        b"\xfe",
        b"\xff",
        b"\xc3\xa9",
        b"\xf0\x9f\x98\x80",
        b"\xed\xa0\xbd",
    ),
    *(
        b'"type":3',
        b'"timestamp":1',
        b'"data":{}',
        b'"source":2',
        b"\x00",
        b"\x7f",
        b"\xef\xbb\xbf",
    ),
]

texts = st.text(st.characters(codec=None) | st.sampled_from("\ud83d\ude00\0\\\"'/"), max_size=8)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
events = st.fixed_dictionaries(
    {"type": st.integers(0, 7), "timestamp": numbers},
    optional={
        "data": values | st.fixed_dictionaries({"source": values, "type": values}),
        "delay": values,
    },
)


def write_json(value: object, ascii_only: bool, spaced: bool) -> bytes:
    """Return JSON in one of the ways that clients write it."""
    separators = (" , ", " : ") if spaced else (",", ":")
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    return text.encode(errors="backslashreplace")


arrays = st.builds(write_json, st.lists(events, max_size=4), st.booleans(), st.booleans())


@st.composite
def damaged_arrays(draw: st.DrawFn) -> bytes:
    """Draw an array of events in which a few bytes are replaced."""
    raw = draw(arrays)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(raw)))
        end = start + draw(st.integers(0, 3))
        raw = raw[:start] + draw(st.sampled_from(FRAGMENTS) | st.just(b"")) + raw[end:]
    return raw


def is_event(value: Any) -> bool:
    """Tell, by the rules of the API, whether a decoded JSON value is an event."""
    if not isinstance(value, dict):
        return False
    kind: Any = value.get("type")
    timestamp: Any = value.get("timestamp")
    if type(kind) is not int or not 0 <= kind < 2**31:
        return False
    return type(timestamp) in (int, float) and -(2**63) < timestamp < 2**63


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def strict_json(raw: bytes) -> Any:
    """Return what the standard library reads, or REFUSED if anything is wrong."""
    try:
        return json.loads(raw.decode(), parse_constant=refuse_constant)
    except ValueError:
        return REFUSED


def are_events(value: Any) -> bool:
    """Tell whether a decoded JSON value is a list of events."""
    return isinstance(value, list) and all(map(is_event, value))


def stored(body: bytes) -> bytes | None:
    """Return the array that this body stores, or None if the body is refused."""
    try:
        return stored_events(parse(body))
    except ApiError:
        return None


@settings(max_examples=500, deadline=None, database=None)
@given(damaged_arrays())
@example(b'[{"type":3,"timestamp":1,"x":"\\\\ud83d\\ude00"}]')
@example(b'[{"type":3,"timestamp":1,"x":"\\\\\\ud83d"}]')
@example(b'[{"type":3,"timestamp":1,"x":"\\ud83d\\u0041"}]')
@example(b'[{"type":3,"timestamp":1,"x":"n\xc3\xbe\\ud83d"}]')
def test_compressed_events_are_taken_if_a_strict_reader_takes_them(raw: bytes) -> None:
    events = strict_json(raw)
    expected = (raw if events else b"[]") if are_events(events) else None
    assert stored(compressed_body(zlib.compress(raw))) == expected


@settings(max_examples=500, deadline=None, database=None)
@given(damaged_arrays())
def test_plain_events_are_taken_if_a_strict_reader_takes_them(raw: bytes) -> None:
    body = body_around(raw)
    decoded = strict_json(body)
    events = decoded.get("events") if isinstance(decoded, dict) else REFUSED
    array = stored(body)
    assert (array is not None) == (events is None or are_events(events))
    if array is not None:
        assert array == b"[]" or array in body
        assert strict_json(array) == (events or [])


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(st.builds(write_json, values, st.booleans(), st.booleans())))
def test_a_cut_array_is_joined_again_to_the_same_bytes(elements: list[bytes]) -> None:
    assert split_events(b"[%b]" % b",".join(elements)) == elements


@settings(max_examples=500, deadline=None, database=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\\uUdDnN89abcdef0123")))
def test_marks_are_taken_off_again(text: str) -> None:
    raw = text.encode()
    assert unmark_surrogates(mark_surrogates(raw)) == raw


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(texts.filter(bool)), st.booleans())
def test_custom_events_keep_their_texts_and_bytes(types: list[str], ascii_only: bool) -> None:
    items = [
        write_json({"eventType": text, "timestamp": 1, "data": text}, ascii_only, True)
        for text in types
    ]
    events = parse(b'{"customEvents":[%b]}' % b" , ".join(items)).custom_events
    assert [event.body for event in events] == items
    assert [event.event_type for event in events] == [
        REFUSED_BY_POSTGRESQL.sub("\ufffd", json.loads(item)["eventType"]) for item in items
    ]
