"""By what a repeated batch is known."""

from typing import Any

import pytest

from tests.unit.bodies import CLICK, fault, parse

BODY: dict[str, Any] = {
    "events": [CLICK],
    "customEvents": [{"eventType": "a", "timestamp": 1}],
    "errors": [{"type": "a", "timestamp": 1}],
}


def test_a_batch_without_a_key_is_known_by_its_content() -> None:
    first, again = parse(BODY), parse({**BODY, "metadata": {"timestamp": 2}, "userId": "u"})
    assert first.batch_key == first.digest == again.batch_key


@pytest.mark.parametrize("name", ["events", "customEvents", "errors"])
def test_other_content_has_another_digest(name: str) -> None:
    other = [{**BODY[name][0], "timestamp": 2}]
    assert parse({**BODY, name: other}).digest != parse(BODY).digest


def test_the_same_bytes_in_another_member_have_another_digest() -> None:
    item = [{"type": "a", "eventType": "a", "timestamp": 1}]
    assert parse({"errors": item}).digest != parse({"customEvents": item}).digest


def test_a_member_that_is_missing_has_the_digest_of_an_empty_one() -> None:
    empty = parse({"events": [], "customEvents": [], "errors": []})
    assert empty.digest == parse(b"{}").digest


def test_the_digest_does_not_depend_on_the_key() -> None:
    assert parse(BODY, key="a").digest == parse(BODY).digest


def test_the_key_of_the_header_wins_over_the_metadata() -> None:
    both = parse({**BODY, "metadata": {"batchId": "b"}}, key="a")
    assert both.batch_key == parse({}, key="a").batch_key


def test_the_batch_id_of_the_metadata_is_a_key() -> None:
    batch = parse({**BODY, "metadata": {"batchId": "a"}})
    assert batch.batch_key == parse({}, key="a").batch_key != batch.digest


@pytest.mark.parametrize("key", ["", None])
def test_an_empty_key_is_none(key: str | None) -> None:
    batch = parse({**BODY, "metadata": {"batchId": ""}}, key=key)
    assert batch.batch_key == batch.digest


@pytest.mark.parametrize("key", ["k" * 255, "ключ", "\udcff", "\0"])
def test_any_short_text_may_be_a_key(key: str) -> None:
    assert len(parse(BODY, key=key).batch_key) == 32


def test_a_long_key_is_refused() -> None:
    assert fault(BODY, key="k" * 256) == ("invalid_body", "Idempotency-Key")


def test_a_long_batch_id_is_refused() -> None:
    body = {**BODY, "metadata": {"batchId": "k" * 256}}
    assert fault(body) == ("invalid_body", "metadata.batchId")
