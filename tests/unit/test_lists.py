"""The custom events and the errors of a batch."""

import json
from typing import Any

import pytest

from tests.unit.bodies import fault, parse

CHECKOUT: dict[str, Any] = {
    "type": "custom",
    "eventType": "checkout_started",
    "data": {"value": 99.99},
    "timestamp": 1_234_567_890,
}
TYPE_ERROR: dict[str, Any] = {
    "type": "javascript_error",
    "message": "Cannot read property",
    "stack": "at main.js:1",
    "timestamp": 1_234_567_890,
}


def test_a_custom_event_keeps_its_exact_object() -> None:
    exact = b'{ "eventType":"a", "timestamp":1.9, "data":{"x":"\\ud83d\\u0000 \\uD83D\\uDE00"} }'
    (event,) = parse(b'{"customEvents":[ %b ]}' % exact).custom_events
    assert (event.event_type, event.timestamp, event.body) == ("a", 1, exact)


def test_an_error_keeps_its_exact_object() -> None:
    exact = b'{"type":"a","message":null,"timestamp":-1.5,"at":[{"line" : 1}]}'
    (error,) = parse(b'{"errors":[%b]}' % exact).errors
    assert (error.error_type, error.message, error.stack) == ("a", None, None)
    assert (error.timestamp, error.body) == (-2, exact)


def test_an_error_tells_its_message_and_stack() -> None:
    (error,) = parse({"errors": [TYPE_ERROR]}).errors
    assert (error.message, error.stack) == ("Cannot read property", "at main.js:1")


def test_items_stand_in_the_order_of_the_body() -> None:
    types = ["b", "\ud83d", "a"]
    batch = parse({"customEvents": [{**CHECKOUT, "eventType": name} for name in types]})
    assert [event.event_type for event in batch.custom_events] == ["b", "\ufffd", "a"]


@pytest.mark.parametrize("absent", [b"{}", b'{"customEvents":null,"errors":null}'])
def test_both_lists_may_be_absent(absent: bytes) -> None:
    assert (parse(absent).custom_events, parse(absent).errors) == ((), ())


def test_what_postgresql_can_not_hold_is_replaced_in_texts_only() -> None:
    poison = "\0 \ud83d😀\ude00 \\ud83d"
    (error,) = parse({"errors": [{**TYPE_ERROR, "message": poison, "stack": poison}]}).errors
    assert error.message == error.stack == "\ufffd \ufffd😀\ufffd \\ud83d"
    assert b"\\u0000 \\ud83d\\ud83d\\ude00\\ude00 \\\\ud83d" in error.body


def test_items_that_differ_in_a_lone_surrogate_only_stay_apart() -> None:
    halves = ["\ud83d", "\ude00", "\ud83e"]
    batch = parse({"errors": [{**TYPE_ERROR, "message": half} for half in halves]})
    assert [json.loads(error.body)["message"] for error in batch.errors] == halves


@pytest.mark.parametrize("length", [1, 50])
@pytest.mark.parametrize("letter", ["a", "é", "😀", "\ud83d"])
def test_a_type_may_have_50_characters(length: int, letter: str) -> None:
    batch = parse(
        {
            "customEvents": [{**CHECKOUT, "eventType": letter * length}],
            "errors": [{**TYPE_ERROR, "type": letter * length}],
        }
    )
    assert len(batch.custom_events[0].event_type) == len(batch.errors[0].error_type) == length


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a number as custom event": ({"customEvents": [CHECKOUT, 7]}, "customEvents[1]"),
    "an array as error": ({"errors": [[]]}, "errors[0]"),
    "no eventType": (
        {"customEvents": [CHECKOUT, {"timestamp": 1}]},
        "customEvents[1].eventType",
    ),
    "an empty eventType": (
        {"customEvents": [{**CHECKOUT, "eventType": ""}]},
        "customEvents[0].eventType",
    ),
    "a long eventType": (
        {"customEvents": [{**CHECKOUT, "eventType": "e" * 51}]},
        "customEvents[0].eventType",
    ),
    "a number as eventType": (
        {"customEvents": [{**CHECKOUT, "eventType": 7}]},
        "customEvents[0].eventType",
    ),
    "no timestamp of a custom event": (
        {"customEvents": [{"eventType": "a"}]},
        "customEvents[0].timestamp",
    ),
    "true as timestamp": (
        {"customEvents": [{**CHECKOUT, "timestamp": True}]},
        "customEvents[0].timestamp",
    ),
    "null as type": ({"errors": [{**TYPE_ERROR, "type": None}]}, "errors[0].type"),
    "a long type": ({"errors": [{**TYPE_ERROR, "type": "e" * 51}]}, "errors[0].type"),
    "a number as message": ({"errors": [{**TYPE_ERROR, "message": 7}]}, "errors[0].message"),
    "an object as stack": ({"errors": [{**TYPE_ERROR, "stack": {}}]}, "errors[0].stack"),
    "text as timestamp": ({"errors": [{**TYPE_ERROR, "timestamp": "1"}]}, "errors[0].timestamp"),
    "a large timestamp": ({"errors": [{**TYPE_ERROR, "timestamp": 2**63}]}, "errors[0].timestamp"),
}


@pytest.mark.parametrize(("body", "place"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_item_is_refused_with_its_place(body: dict[str, Any], place: str) -> None:
    assert fault(body) == ("invalid_body", place)


@pytest.mark.parametrize("name", ["customEvents", "errors"])
def test_an_item_that_is_too_deep_is_refused(name: str) -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    item = b'{"type":"a","eventType":"a","timestamp":1,"data":%b}' % deep
    assert fault(b'{"%b":[%b]}' % (name.encode(), item)) == ("json_too_deep", None)
