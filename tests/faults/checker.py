"""Compares what was acknowledged, stored, answered and seen, in the manner of Jepsen's checks of
logs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.faults.history import Item, SentBatch, SessionHistory, Stream, Violation
from tests.faults.stored import Answered, StoredSession

_FEW = 5


def check_session(
    session: SessionHistory, stored: StoredSession, answers: Sequence[Answered | None]
) -> list[Violation]:
    """Return every promise that a session's history breaks."""
    name = f"session {session.session_id}"
    found = [*_check_batches(session.batches, stored), *_check_rows(stored)]
    if session.in_order:
        found += _check_order(stored)
    for answered in answers:
        found += _check_answer(stored, answered)
    for number, stream in enumerate(session.streams):
        place = f"viewer {number} ({stream.viewer}) "
        found += [(promise, place + at) for promise, at in _check_stream(session, stored, stream)]
    return [Violation(promise, f"{name} {at}") for promise, at in found]


Found = Iterator[tuple[str, str]]


def _check_batches(batches: Sequence[SentBatch], stored: StoredSession) -> Found:
    held = Counter(stored.items)
    for item in [item for item, count in held.items() if count > 1][:_FEW]:
        yield "nothing is stored twice", f"{item}"
    by_name = {name: row for row in stored.rows for _, name, _ in (*row.events, *row.others)}
    names = {batch.name for batch in batches}
    for name in by_name.keys() - names:
        yield "only what was sent is stored", f"batch {name}"
    for batch in batches:
        row = by_name.get(batch.name)
        if batch.outcome == "ok" and row is None:
            yield "what is acknowledged is stored", f"batch {batch.name}"
        elif batch.outcome == "fail" and row is not None:
            yield "what is refused is not stored", f"batch {batch.name}"
        elif row is not None and [*row.events, *row.others] != list(batch.items()):
            yield "a batch is stored whole", f"batch {batch.name}"
        elif row is not None and batch.first_sequence not in (None, row.sequence):
            yield "a receipt tells the sequence", f"batch {batch.name}: {batch.first_sequence}"


def _check_order(stored: StoredSession) -> Found:
    names = [name for row in stored.rows for _, name, _ in (*row.events, *row.others)[:1]]
    for name, following in pairwise(names):
        if following < name:
            yield "what is sent ahead is stored in order", f"batch {following} after {name}"


def _check_rows(stored: StoredSession) -> Found:
    sequence = 0
    for number, row in enumerate(stored.rows, 1):
        if (row.batch_number, row.sequence) != (number, sequence):
            place = f"batch number {row.batch_number} at {row.sequence}, not {number} at {sequence}"
            yield "stored sequences are contiguous", place
        kinds = Counter(kind for kind, _, _ in (*row.events, *row.others))
        counts = kinds["event"], kinds["custom"], kinds["error"]
        if counts != (row.event_count, row.custom_event_count, row.error_count):
            yield "a row's counts equal its content", f"batch number {row.batch_number}"
        sequence = row.sequence + row.event_count
    if not stored.rows:
        return
    kinds = Counter(kind for kind, _, _ in stored.items)
    expected = {"next_sequence": sequence, "batches": len(stored.rows)} | _counters(kinds)
    if expected != stored.counters:
        yield "counters equal storage", f"{dict(stored.counters)}, not {expected}"


def _counters(kinds: Counter[str]) -> dict[str, int]:
    return {
        "totalEvents": kinds["event"],
        "customEvents": kinds["custom"],
        "errors": kinds["error"],
    }


def _check_answer(stored: StoredSession, answered: Answered | None) -> Found:
    if answered is None:
        if stored.counters:
            yield "a stored session can be read", "replay"
        return
    kinds = ("event", "custom", "error")
    expected = [item for kind in kinds for item in stored.items if item[0] == kind]
    if list(answered.replay) != expected:
        place = f"{len(answered.replay)} things, {_first_difference(answered.replay, expected)}"
        yield "replay equals storage", place
    counters = _counters(Counter(kind for kind, _, _ in stored.items))
    if counters != {name: answered.counters[name] for name in counters}:
        yield "answered counters equal storage", f"{answered.counters}, not {counters}"


def _check_stream(session: SessionHistory, stored: StoredSession, stream: Stream) -> Found:
    items = stored.items
    if not stream.whole:
        items = [item for item in items if item[0] == "event"]
    places = {item: place for place, item in enumerate(items)}
    parts = [[i for i in part if stream.whole or i[0] == "event"] for part in stream.parts]
    seen = [item for part in parts for item in part]
    for part in parts:
        yield from _check_part(part, places)
    if seen:
        yield from _check_beginning(stored, stream, seen[0], places)
    yield from _check_numbers(stored, stream)
    yield from _check_skips(stored, stream, parts)
    if stream.ended:
        promised = [place for item, place in places.items() if item[1] in session.before_end]
        reached = places.get(seen[-1], -1) if seen else -1
        if promised and reached < max(promised):
            missing = items[reached + 1]
            yield "the end comes after everything before it", f"{missing} did not come"


def _check_part(part: Sequence[Item], places: dict[Item, int]) -> Found:
    """Check that a stream between two skips is a contiguous range of what is stored."""
    previous: Item | None = None
    faults = 0
    for item in part:
        if item not in places:
            yield "a viewer sees only what is stored", f"{item}"
            faults += 1
        elif previous is not None and places[item] != places[previous] + 1:
            lost = places[item] - places[previous] - 1
            kind = f"{lost} lost" if lost > 0 else "repeated or out of order"
            yield "a viewer sees each event once and in order", f"{previous} then {item}: {kind}"
            faults += 1
        if faults == _FEW:
            return
        previous = item if item in places else None


def _check_beginning(
    stored: StoredSession, stream: Stream, first: Item, places: dict[Item, int]
) -> Found:
    metas = frozenset().union(*(row.metas for row in stored.rows))
    begins = places.get(first) == 0
    if not begins and not (stream.wanted == "keyframe" and first in metas):
        yield f"a stream from {stream.wanted} begins there", f"{first}"


def _check_numbers(stored: StoredSession, stream: Stream) -> Found:
    sequences = {
        item: row.sequence + place for row in stored.rows for place, item in enumerate(row.events)
    }
    wrong = [pair for pair in stream.sequences if sequences.get(pair[0]) != pair[1]]
    for item, number in wrong[:_FEW]:
        yield "a frame tells the stored sequence", f"{item} has {sequences.get(item)}, not {number}"
    numbers = {
        item[1]: row.batch_number for row in stored.rows for item in (*row.events, *row.others)
    }
    for name, number in stream.batches:
        if numbers.get(name) != number:
            yield "a frame tells the stored batch", f"{name} has {numbers.get(name)}, not {number}"


def _check_skips(stored: StoredSession, stream: Stream, parts: Sequence[Sequence[Item]]) -> Found:
    """Check that each skip says exactly what was left out."""
    sequences = {
        item: row.sequence + place for row in stored.rows for place, item in enumerate(row.events)
    }
    for (first, last), before, after in zip(stream.skipped, parts[:-1], parts[1:], strict=True):
        seen = [sequences[item] for item in before if item in sequences]
        comes = [sequences[item] for item in after if item in sequences]
        if (seen and first != seen[-1] + 1) or (comes and last != comes[0] - 1):
            yield "a skip says what is left out", f"[{first}, {last}]"


def _first_difference(left: Sequence[Item], right: Sequence[Item]) -> str:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return f"{one} in place of {other}"
    return f"{len(left)} in place of {len(right)}"
