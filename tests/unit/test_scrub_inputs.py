"""What was typed is masked wherever rrweb tells it, in whatever order the members are."""

import json
from typing import Any

import pytest

from spectraview.api.scrubbing import inline_scrubber
from spectraview.errors import TooMuchToScrub
from spectraview.ingest.scrubbing.scrubber import Scrubber
from tests.unit.bodies import json_bytes

INPUTS = Scrubber(["inputs"])


def element(tag: str, attributes: dict[str, Any], *children: object, id: int = 9) -> dict[str, Any]:
    """Return an element of a snapshot, its members in rrweb's order."""
    return {
        "type": 2,
        "tagName": tag,
        "attributes": attributes,
        "childNodes": list(children),
        "id": id,
    }


def text(content: str) -> dict[str, Any]:
    """Return a text node."""
    return {"type": 3, "textContent": content, "id": 10}


def snapshot(*nodes: object) -> dict[str, Any]:
    """Return a full snapshot."""
    return {"type": 2, "data": {"node": {"type": 0, "childNodes": list(nodes), "id": 1}}}


def mutation(**members: Any) -> dict[str, Any]:
    """Return an incremental event of source 0."""
    lists: dict[str, Any] = {"texts": [], "attributes": [], "removes": [], "adds": []}
    return {"type": 3, "data": {"source": 0, **lists, **members}}


def reordered(value: Any) -> Any:
    """Return the same JSON with the members of every object sorted by name, as Go writes them."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in sorted(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def scrubbed(event: Any) -> Any:
    """Return an event after scrubbing."""
    return json.loads(INPUTS.scrub_events(json_bytes([{"type": 4}, event, {"type": 5}])))[1]


TYPED = [
    (snapshot(element("input", {"type": "text", "value": "secret"})), "secret"),
    (snapshot(element("input", {"value": 'sec"r\\et\u0000'})), 'sec"r\\et\u0000'),
    (snapshot(element("input", {"value": "se🥛t", "type": "hidden"})), "se🥛t"),
    (snapshot(element("INPUT", {"value": "secret"})), "secret"),
    (snapshot(element("select", {"value": "secret"}, element("option", {}))), "secret"),
    (snapshot(element("textarea", {"value": "secret"})), "secret"),
    (snapshot(element("textarea", {"rows": "2"}, text("secret"))), "secret"),
    (
        snapshot(element("div", {}, element("p", {}), element("input", {"value": "secret"}))),
        "secret",
    ),
    (mutation(attributes=[{"id": 5, "attributes": {"value": "secret"}}]), "secret"),
    (
        mutation(attributes=[{"id": 5, "attributes": {"style": {"a": "b"}, "value": "secret"}}]),
        "secret",
    ),
    (mutation(adds=[{"parentId": 3, "node": element("input", {"value": "secret"})}]), "secret"),
    (
        mutation(
            adds=[
                {"parentId": 9, "nextId": None, "node": text("secret")},
                {"parentId": 3, "nextId": None, "node": element("textarea", {})},
            ]
        ),
        "secret",
    ),
    ({"type": 3, "data": {"source": 5, "text": "secret", "isChecked": False, "id": 7}}, "secret"),
]


@pytest.mark.parametrize("order", [lambda event: event, reordered])
@pytest.mark.parametrize(("event", "secret"), TYPED)
def test_what_was_typed_is_masked_and_nothing_else(event: Any, secret: str, order: Any) -> None:
    length = len(secret.encode("utf-16-le")) // 2
    masked = json.loads(json.dumps(event).replace(json.dumps(secret), json.dumps("*" * length)))
    assert masked != event
    assert scrubbed(order(event)) == masked


@pytest.mark.parametrize("order", [lambda event: event, reordered])
@pytest.mark.parametrize(
    "event",
    [
        snapshot(element("input", {"type": "submit", "value": "Buy"})),
        snapshot(element("input", {"type": "checkbox", "value": "on", "checked": True})),
        snapshot(element("input", {"type": "text", "placeholder": "Name", "value": ""})),
        snapshot(element("li", {"value": "3"}), element("button", {"value": "1"}, text("Buy"))),
        snapshot(element("option", {"value": "3"}, text("Three"))),
        snapshot(element("p", {"title": '"tagName":"input","attributes":{"value":"x"}'})),
        mutation(texts=[{"id": 5, "value": "a text of the page"}]),
        mutation(attributes=[{"id": 5, "attributes": {"class": "value", "value": None}}]),
        mutation(adds=[{"parentId": 9, "nextId": None, "node": text("a text of the page")}]),
        {"type": 3, "data": {"source": 2, "type": 5, "id": 3}},
        {"type": 6, "data": {"plugin": "p", "payload": {"source": 15, "text": "x", "value": 5}}},
    ],
)
def test_what_is_the_page_s_own_stays(event: Any, order: Any) -> None:
    raw = json_bytes([order(event)])
    assert INPUTS.scrub_events(raw) is raw


@pytest.mark.parametrize("order", [lambda event: event, reordered])
def test_an_option_does_not_tell_that_it_was_chosen(order: Any) -> None:
    event = snapshot(element("select", {}, element("option", {"value": "a", "selected": True})))
    expected = snapshot(element("select", {}, element("option", {"value": "a", "selected": False})))
    assert scrubbed(order(event)) == expected


def test_whether_a_box_is_ticked_is_kept() -> None:
    event = {"type": 3, "data": {"source": 5, "text": "on", "isChecked": True, "id": 7}}
    assert scrubbed(event)["data"] == {"source": 5, "text": "**", "isChecked": True, "id": 7}


def test_all_other_bytes_stay() -> None:
    raw = (
        b' [ {"x":1.0e2} ,{"type": 3,"data" : { "source" :5 ,"text": "a\\u0062\\n" ,"\\u0000":'
        b'"\\ud83d"}}\n,{"y":"\\/"}] '
    )
    assert INPUTS.scrub_events(raw) == raw.replace(rb"a\u0062\n", b"***")


def test_many_inputs_are_not_looked_for_on_the_event_loop() -> None:
    inputs = [element("input", {"value": "secret"}) for _ in range(100)]
    raw = json_bytes([snapshot(*inputs)])
    with pytest.raises(TooMuchToScrub):
        inline_scrubber(frozenset({"inputs"})).scrub_events(raw)
    assert b"secret" not in INPUTS.scrub_events(raw)
