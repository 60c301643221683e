"""Whatever is sent: scrubbed JSON is the same JSON but for masked strings, and stays as it is when
it is scrubbed again.
"""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES, Scrubber
from tests.unit.bodies import json_bytes

PIECES = [
    *("joe", "@", "%40", "example", ".com", ".", "é", "请", "🥛", "\ud83d", "\0", "\n", "\\", '"'),
    *("?", "&", "#", "/", "//", ":", "=", "%3D", "%26", "%", "%2", " ", "-", "+", "%20", "*", "'"),
    *("token", "password", "key", "Bearer ", "eyJ", "abcdef123", "AKIAIOSFODNN7EXAMPLE"),
    *(
        "4111111111111111",
        "4111",
        "1111",
        "3782 822463 10005",
        "url(",
        ")",
        "sk-proj-",
        "u00",
        "\\u",
    ),
]
KEYS = [
    *("token", "password", "pin", "value", "text", "source", "tagName", "attributes", "childNodes"),
    *("type", "id", "parentId", "node", "textContent", "selected", "data", "x"),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=9).map("".join)
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 2, 5, 4111111111111111])
    | st.sampled_from(["input", "textarea", "select", "option", "submit", "5"])
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=6)
    ),
    max_leaves=20,
)
rules = st.sets(st.sampled_from(SCRUB_RULES), min_size=1)
events = st.fixed_dictionaries(
    {"type": st.sampled_from([2, 3]), "data": values, "timestamp": st.just(1700000000000)}
)


SEPARATORS = [(",", ":"), (" , ", " : ")]
MARKED = 0xE000


@st.composite
def json_texts(draw: st.DrawFn, drawn: st.SearchStrategy[Any]) -> bytes:
    """Draw JSON in whose strings some characters are escaped that need not be."""
    escaped = {ord(c): MARKED + ord(c) for c in draw(st.sets(st.sampled_from("@:/.=?&-4 ")))}
    raw = json.dumps(
        translated(draw(drawn), escaped),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from(SEPARATORS)),
    ).encode(errors="backslashreplace")
    for code, mark in escaped.items():
        escape = b"\\u%04x" % code
        raw = raw.replace(chr(mark).encode(), escape).replace(b"\\u%04x" % mark, escape)
    return raw


def translated(value: Any, characters: dict[int, int]) -> Any:
    """Return JSON with other characters in its strings."""
    if isinstance(value, str):
        return value.translate(characters)
    if isinstance(value, dict):
        return {
            translated(key, characters): translated(item, characters) for key, item in value.items()
        }
    return [translated(item, characters) for item in value] if isinstance(value, list) else value


def read(raw: bytes) -> Any:
    """Return JSON with objects as lists of pairs: two masked names may have become the same."""
    return json.loads(raw, object_pairs_hook=list)


def assert_same_but_for_masks(before: Any, after: Any) -> None:
    """Check that strings, and `selected`, are all that changed, and strings not in length."""
    if isinstance(before, str):
        assert isinstance(after, str)
        assert javascript_length(before) == javascript_length(after)
        kept = before.encode("utf-16-le", "surrogatepass")
        masked = after.encode("utf-16-le", "surrogatepass")
        for place in range(0, len(kept), 2):
            assert masked[place : place + 2] in (kept[place : place + 2], b"*\0")
    elif isinstance(before, list):
        assert isinstance(after, list)
        for one, other in zip(before, after, strict=True):
            if (one, other) != (("selected", True), ("selected", False)):
                assert_same_but_for_masks(list_of(one), list_of(other))
    else:
        assert before == after
        assert type(before) is type(after)


def list_of(value: Any) -> Any:
    """Return a pair as a list, anything else as it is."""
    return list(value) if isinstance(value, tuple) else value


def javascript_length(text: str) -> int:
    """Return how many UTF-16 units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@settings(max_examples=300, deadline=None, database=None)
@given(json_texts(values), rules)
@example(b'"\\nn@x.com"', {"emails"})
@example(b'"4111111111111111a@b.cc"', {"cards", "emails"})
@example(b'"token=4111 1111 1111 1111,x"', {"cards", "tokens"})
def test_any_json_stays_the_same_but_for_masks(raw: bytes, chosen: set[str]) -> None:
    scrubber = Scrubber(chosen)
    scrubbed = scrubber.scrub(raw)
    assert_same_but_for_masks(read(raw), read(scrubbed))
    assert scrubber.scrub(scrubbed) is scrubbed


@settings(max_examples=300, deadline=None, database=None)
@given(json_texts(st.lists(events, min_size=1, max_size=3)), rules)
def test_any_events_stay_the_same_but_for_masks(raw: bytes, chosen: set[str]) -> None:
    scrubber = Scrubber(chosen)
    scrubbed = scrubber.scrub_events(raw)
    assert_same_but_for_masks(read(raw), read(scrubbed))
    assert scrubber.scrub_events(scrubbed) is scrubbed


nodes = st.recursive(
    st.fixed_dictionaries({"type": st.just(3), "textContent": st.just("typed"), "id": st.just(4)}),
    lambda inner: st.fixed_dictionaries(
        {
            "type": st.just(2),
            "tagName": st.sampled_from(["div", "input", "textarea", "select", "option", "li"]),
            "attributes": st.fixed_dictionaries(
                {},
                optional={
                    "type": st.sampled_from(["text", "submit", "checkbox"]),
                    "value": st.sampled_from(["typed", "", 'a"b']),
                    "selected": st.booleans(),
                    "style": st.just({"color": "red"}),
                },
            ),
            "childNodes": st.lists(inner, max_size=3),
            "id": st.integers(1, 4),
        }
    ),
    max_leaves=8,
)
additions = st.fixed_dictionaries({"parentId": st.integers(1, 4), "node": nodes})
changes = st.fixed_dictionaries(
    {
        "id": st.integers(1, 4),
        "attributes": st.dictionaries(st.sampled_from(["value", "class"]), st.just("typed")),
    }
)
rrweb_events = st.one_of(
    st.builds(lambda node: {"type": 2, "data": {"node": node}}, nodes),
    st.builds(
        lambda attributes, adds: {
            "type": 3,
            "data": {"source": 0, "attributes": attributes, "adds": adds},
        },
        st.lists(changes, max_size=3),
        st.lists(additions, max_size=3),
    ),
)


@settings(max_examples=200, deadline=None, database=None)
@given(rrweb_events)
def test_the_order_of_members_does_not_matter(event: Any) -> None:
    scrubber = Scrubber(["inputs"])
    scrubbed = json.loads(scrubber.scrub_events(json_bytes([event])))
    backwards = json_bytes([reversed_members(event)])
    assert json.loads(scrubber.scrub_events(backwards)) == scrubbed


def reversed_members(value: Any) -> Any:
    """Return the same JSON with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: reversed_members(value[key]) for key in reversed(value)}
    return [reversed_members(item) for item in value] if isinstance(value, list) else value
