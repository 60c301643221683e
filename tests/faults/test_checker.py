"""The checker finds each kind of broken promise, and nothing in a good history."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from tests.faults.checker import check_session
from tests.faults.history import Item, SentBatch, SessionHistory, Stream
from tests.faults.stored import Answered, StoredRow, StoredSession

COUNTERS = {"next_sequence": 4, "batches": 2, "totalEvents": 4, "customEvents": 1, "errors": 0}
EVENTS: Sequence[Item] = [("event", 0, 0), ("event", 0, 1), ("event", 1, 0), ("event", 1, 1)]
CUSTOM: Item = ("custom", 1, 0)
METAS = frozenset(EVENTS[2:3])


def sent_batches() -> list[SentBatch]:
    """Return two batches that were acknowledged, and one that was refused."""
    return [
        SentBatch(0, 2, 0, 0, 0.0, "ok", first_sequence=0),
        SentBatch(1, 2, 1, 0, 0.0, "ok", first_sequence=2),
        SentBatch(2, 1, 0, 0, 0.0, "fail"),
    ]


def stored_session() -> StoredSession:
    """Return what is stored when all is well."""
    rows = [
        StoredRow(1, 0, 2, 0, 0, EVENTS[:2], [], frozenset()),
        StoredRow(2, 2, 2, 1, 0, EVENTS[2:], [CUSTOM], METAS),
    ]
    return StoredSession(rows, COUNTERS)


def stream(*parts: Sequence[Item], **changes: object) -> Stream:
    """Return a stream from the start that saw these parts and the end."""
    seen = Stream("viewer", "start", parts=[list(part) for part in parts], ended=True)
    for name, value in changes.items():
        setattr(seen, name, value)
    return seen


ANSWERED = Answered([*EVENTS, CUSTOM], {"totalEvents": 4, "customEvents": 1, "errors": 0})
GOOD = stream([*EVENTS, CUSTOM])


def promises(
    *streams: Stream,
    batches: Sequence[SentBatch] | None = None,
    stored: StoredSession | None = None,
    answered: Answered | None = ANSWERED,
) -> set[str]:
    """Return the promises that a history breaks."""
    session = SessionHistory(
        UUID(int=1), list(batches or sent_batches()), list(streams), frozenset({0, 1}), ended=True
    )
    found = check_session(session, stored or stored_session(), [answered])
    return {violation.promise for violation in found}


def test_a_good_history_breaks_nothing() -> None:
    by_sequence = stream(EVENTS, whole=False, sequences=list(zip(EVENTS, range(4), strict=True)))
    from_keyframe = stream([*EVENTS[2:], CUSTOM], wanted="keyframe", batches=[(1, 2)])
    skipping = stream(EVENTS[:1], [*EVENTS[2:], CUSTOM], skipped=[(1, 1)])
    left_early = stream(EVENTS[:3], ended=False)
    assert promises(GOOD, by_sequence, from_keyframe, skipping, left_early) == set()


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (stream([*EVENTS[:1], *EVENTS[2:], CUSTOM]), "a viewer sees each event once and in order"),
        (stream([*EVENTS[:2], *EVENTS[1:], CUSTOM]), "a viewer sees each event once and in order"),
        (stream([*reversed(EVENTS), CUSTOM]), "a viewer sees each event once and in order"),
        (stream(EVENTS), "the end comes after everything before it"),
        (stream([]), "the end comes after everything before it"),
        (stream([*EVENTS, CUSTOM, ("event", 2, 0)]), "a viewer sees only what is stored"),
        (stream([*EVENTS[2:], CUSTOM]), "a stream from start begins there"),
        (stream([*EVENTS[1:], CUSTOM], wanted="keyframe"), "a stream from keyframe begins there"),
        (
            stream(EVENTS[:1], [*EVENTS[2:], CUSTOM], skipped=[(0, 1)]),
            "a skip says what is left out",
        ),
        (stream([*EVENTS, CUSTOM], batches=[(1, 1)]), "a frame tells the stored batch"),
        (
            stream([*EVENTS, CUSTOM], sequences=[(EVENTS[2], 1)]),
            "a frame tells the stored sequence",
        ),
    ],
)
def test_what_a_viewer_saw_wrongly_is_found(broken: Stream, promise: str) -> None:
    assert promise in promises(broken)


def test_an_acknowledged_batch_that_is_not_stored_is_found() -> None:
    lost = SentBatch(3, 1, 0, 0, 0.0, "ok", first_sequence=4)
    assert promises(batches=[*sent_batches(), lost]) == {"what is acknowledged is stored"}


def test_a_refused_batch_that_is_stored_is_found() -> None:
    batches = sent_batches()
    batches[1].outcome = "fail"
    assert promises(batches=batches) == {"what is refused is not stored"}


def test_a_batch_that_is_stored_in_part_is_found() -> None:
    batches = sent_batches()
    batches[0].events = 3
    assert promises(batches=batches) == {"a batch is stored whole"}


def test_a_wrong_receipt_is_found() -> None:
    batches = sent_batches()
    batches[1].first_sequence = 3
    assert promises(batches=batches) == {"a receipt tells the sequence"}


def test_batches_of_one_socket_that_are_stored_out_of_order_are_found() -> None:
    first, second = stored_session().rows
    swapped = [replace(second, batch_number=1, sequence=0), replace(first, batch_number=2)]
    session = SessionHistory(UUID(int=1), in_order=True)
    found = check_session(session, StoredSession(swapped, COUNTERS), [ANSWERED])
    assert "what is sent ahead is stored in order" in {each.promise for each in found}


def test_rows_that_do_not_follow_one_another_are_found() -> None:
    first, second = stored_session().rows
    stored = StoredSession([first, replace(second, sequence=3)], COUNTERS)
    assert "stored sequences are contiguous" in promises(stored=stored)


def test_what_is_stored_twice_is_found() -> None:
    first, second = stored_session().rows
    again = StoredSession([first, second, replace(first, batch_number=3, sequence=4)], COUNTERS)
    assert "nothing is stored twice" in promises(stored=again)


def test_wrong_counters_are_found() -> None:
    stored = StoredSession(stored_session().rows, COUNTERS | {"customEvents": 0})
    assert promises(stored=stored) == {"counters equal storage"}


def test_a_wrong_answer_is_found() -> None:
    short = replace(ANSWERED, replay=ANSWERED.replay[1:])
    assert promises(answered=short) == {"replay equals storage"}
    miscounted = replace(ANSWERED, counters=dict(ANSWERED.counters) | {"errors": 1})
    assert promises(answered=miscounted) == {"answered counters equal storage"}
    assert promises(answered=None) == {"a stored session can be read"}
