"""The forms in which clients send a batch."""

import base64
import json
import uuid

import pytest

from spectraview.errors import SessionIdMismatch
from spectraview.ingest.body import parse_batch
from spectraview.storage.models import Codec
from tests.unit.bodies import (
    CLICK,
    COMPRESSORS,
    LIMITS,
    SESSION_ID,
    body_around,
    compressed_body,
    event,
    fault,
    json_bytes,
    parse,
    stored_events,
)

EVENTS = json_bytes([event(4), event(2), CLICK])
SPACED = (
    b' [ {"type": 3, "timestamp":1.5e3 , "data":{"\\u0073ource":2,"text":"\xc3\xa9\\ud83d"}} ]\n'
)


@pytest.mark.parametrize("codec", ["zlib", "gzip", "deflate"])
@pytest.mark.parametrize("raw", [EVENTS, SPACED], ids=["compact", "spaced"])
def test_compressed_bytes_are_stored_as_they_came(codec: Codec, raw: bytes) -> None:
    data = COMPRESSORS[codec](raw)
    batch = parse(compressed_body(data))
    assert (batch.codec, batch.event_data, batch.size_bytes) == (codec, data, len(raw))


@pytest.mark.parametrize("around", [b"%b", b'{"compressed":false,"data":%b}', b'{"data":%b}'])
@pytest.mark.parametrize("raw", [EVENTS, SPACED.strip()], ids=["compact", "spaced"])
def test_the_exact_bytes_of_a_plain_array_are_stored_deflated(around: bytes, raw: bytes) -> None:
    batch = parse(body_around(around % raw))
    assert (batch.codec, stored_events(batch), batch.size_bytes) == ("zlib", raw, len(raw))


def test_a_string_is_compressed_data_if_compressed_is_missing() -> None:
    data = COMPRESSORS["zlib"](EVENTS)
    batch = parse({"events": {"data": base64.b64encode(data).decode()}})
    assert batch.event_data == data


def test_base64_may_be_escaped_as_json_allows() -> None:
    data = COMPRESSORS["zlib"](json_bytes([event(timestamp=n) for n in range(99)]))
    escaped = base64.b64encode(data).replace(b"/", b"\\/").replace(b"+", b"\\u002b")
    assert b"\\/" in escaped
    assert parse(body_around(b'{"data":"%b"}' % escaped)).event_data == data


@pytest.mark.parametrize("events", [b"null", b"[]", b"[ ]", b'{"compressed":false,"data":[]}'])
def test_no_events_are_stored_as_nothing(events: bytes) -> None:
    batch = parse(body_around(events))
    assert (batch.events.count, batch.event_data, batch.codec, batch.size_bytes) == (
        0,
        b"",
        "zlib",
        0,
    )


def test_a_compressed_empty_array_is_stored_as_nothing() -> None:
    batch = parse(compressed_body(COMPRESSORS["gzip"](b"[]")))
    assert (batch.event_data, batch.codec) == (b"", "zlib")


def test_an_empty_object_is_an_empty_batch() -> None:
    batch = parse(b"{}")
    assert (batch.events.count, batch.custom_events, batch.errors) == (0, (), ())


def test_members_that_nobody_knows_are_ignored() -> None:
    batch = parse({"sdk": {"version": [1, 2]}, "events": [CLICK], "\ud83d": "\ud83d"})
    assert batch.events.count == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"[]", None),
        (b"7", None),
        (b"null", None),
        (b'{"events":7}', "events"),
        (b'{"events":"text"}', "events"),
        (b'{"events":{}}', "events.data"),
        (b'{"events":{"compressed":true}}', "events.data"),
        (b'{"events":{"compressed":true,"data":[]}}', "events.data"),
        (b'{"events":{"compressed":false,"data":"W10="}}', "events.data"),
        (b'{"events":{"data":null}}', "events.data"),
        (b'{"events":{"compressed":"yes","data":"W10="}}', "events.compressed"),
        (b'{"customEvents":{}}', "customEvents"),
        (b'{"errors":"none"}', "errors"),
        (b'{"metadata":[]}', "metadata"),
        (b'{"metadata":{"batchId":7}}', "metadata.batchId"),
        (b'{"sessionId":7}', "sessionId"),
        (b'{"userId":7}', "userId"),
        (b'{"appId":{}}', "appId"),
        (b'{"userId":"%b"}' % (b"u" * 101), "userId"),
        (b'{"appId":"%b"}' % (b"a" * 51), "appId"),
    ],
)
def test_a_wrong_member_is_refused_with_its_name(body: bytes, place: str | None) -> None:
    assert fault(body) == ("invalid_body", place)


def test_compressed_data_that_is_not_an_array_is_refused() -> None:
    body = compressed_body(COMPRESSORS["zlib"](b'{"type":3,"timestamp":1}'))
    assert fault(body) == ("invalid_body", "events.data")


@pytest.mark.parametrize("data", ["W10", "W10=\n", "W1 0=", "W10=W10=", "-_-_", "é", "\ud83d", "="])
def test_wrong_base64_is_refused(data: str) -> None:
    body = json.dumps({"events": {"compressed": True, "data": data}}).encode()
    assert fault(body) == ("invalid_base64", "events.data")


@pytest.mark.parametrize("data", [b"", b"not deflate", COMPRESSORS["zlib"](EVENTS)[:-1]])
def test_data_that_can_not_be_inflated_is_refused(data: bytes) -> None:
    assert fault(compressed_body(data)) == ("invalid_compression", "events.data")


@pytest.mark.parametrize("codec", ["zlib", "gzip", "deflate"])
def test_data_behind_the_compressed_stream_is_refused(codec: Codec) -> None:
    body = compressed_body(COMPRESSORS[codec](EVENTS) + b"[]")
    assert fault(body) == ("invalid_compression", "events.data")


def test_names_are_taken_from_the_body() -> None:
    batch = parse({"userId": "ü" * 100, "appId": "a" * 50})
    assert (batch.user_id, batch.app_id) == ("ü" * 100, "a" * 50)


def test_names_may_be_null() -> None:
    batch = parse({"userId": None, "appId": None, "sessionId": None, "metadata": None})
    assert (batch.user_id, batch.app_id) == (None, None)


def test_what_postgresql_can_not_hold_is_replaced_in_names() -> None:
    batch = parse({"userId": "a\0b\ud83dc😀", "appId": "\ude00"})
    assert (batch.user_id, batch.app_id) == ("a\ufffdb\ufffdc😀", "\ufffd")


@pytest.mark.parametrize("spelling", [str(SESSION_ID), str(SESSION_ID).upper()])
def test_the_session_id_of_the_body_may_have_capitals(spelling: str) -> None:
    assert parse({"sessionId": spelling}).session_id == SESSION_ID


@pytest.mark.parametrize("other", ["7e4358ce-3200-433e-8a39-685e634fef6a", "", "\ud83d"])
def test_another_session_id_in_the_body_is_refused(other: str) -> None:
    with pytest.raises(SessionIdMismatch):
        parse({"sessionId": other})


def test_events_of_any_size_up_to_the_limit_are_taken() -> None:
    big = json_bytes([event(2, text="x" * 3_000_000)])
    assert stored_events(parse(compressed_body(COMPRESSORS["zlib"](big)))) == big


@pytest.mark.parametrize("plain", [True, False])
def test_more_bytes_than_the_limit_are_refused(plain: bool) -> None:
    raw = json_bytes([event(2, text="x" * LIMITS.max_inflated)])
    body = body_around(raw) if plain else compressed_body(COMPRESSORS["zlib"](raw))
    assert fault(body) == ("inflated_too_large", "events" if plain else "events.data")


def test_a_bomb_is_refused() -> None:
    bomb = COMPRESSORS["zlib"](b"[" + b" " * 100_000_000 + b"]")
    assert fault(compressed_body(bomb)) == ("inflated_too_large", "events.data")


def test_more_events_than_the_limit_are_refused() -> None:
    assert fault({"events": [CLICK] * (LIMITS.max_events + 1)}) == ("too_many_events", "events")


@pytest.mark.parametrize("name", ["customEvents", "errors"])
def test_more_items_than_the_limit_are_refused(name: str) -> None:
    item = {"type": "a", "eventType": "a", "timestamp": 1}
    assert fault({name: [item] * (LIMITS.max_events + 1)}) == ("too_many_events", name)


def test_as_many_events_as_the_limit_are_taken() -> None:
    assert parse({"events": [CLICK] * LIMITS.max_events}).events.count == LIMITS.max_events


def test_a_batch_belongs_to_the_session_of_the_address() -> None:
    session_id = uuid.uuid4()
    batch = parse_batch(session_id, b"{}", idempotency_key=None, limits=LIMITS)
    assert batch.session_id == session_id
