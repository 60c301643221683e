"""A feed gives on each stored batch once and in order, however batches and pointers arrive."""

from hypothesis import given
from hypothesis import strategies as st

from spectraview.live.feed import Feed
from spectraview.storage.models import Position, StoredBatch

EVENTS_IN_A_BATCH = 2


def batch(number: int) -> StoredBatch:
    """Return the batch of this number of a session whose batches hold two events each."""
    return StoredBatch(number, EVENTS_IN_A_BATCH * (number - 1), EVENTS_IN_A_BATCH, "zlib", b"")


def position(batches: int) -> Position:
    """Return the position after so many batches."""
    return Position(batches, EVENTS_IN_A_BATCH * batches)


def taken(feed: Feed) -> list[int]:
    """Take all that is in order."""
    numbers = []
    while (taken := feed.take()) is not None:
        numbers.append(taken.batch_number)
    return numbers


def test_batches_in_order_are_given_on_at_once() -> None:
    feed = Feed(position(2))
    feed.offer(batch(3))
    assert taken(feed) == [3]
    assert feed.head == position(3)
    assert not feed.behind


def test_a_batch_that_comes_early_waits_for_the_one_before() -> None:
    feed = Feed(position(0))
    feed.offer(batch(2))
    assert (taken(feed), feed.behind) == ([], True)
    feed.offer(batch(1))
    assert (taken(feed), feed.behind) == ([1, 2], False)


def test_a_known_head_without_its_batches_is_a_gap() -> None:
    feed = Feed(position(0))
    feed.note(2)
    assert feed.behind
    assert feed.newest == 2


def test_old_batches_change_nothing() -> None:
    feed = Feed(position(5))
    feed.offer(batch(4))
    feed.note(3)
    assert (taken(feed), feed.behind, feed.head) == ([], False, position(5))


def test_however_many_came_early_the_missing_one_is_taken() -> None:
    feed = Feed(position(0))
    for number in range(2, 1000):
        feed.offer(batch(number))
    feed.offer(batch(1))
    assert taken(feed)[0] == 1
    while feed.behind:
        feed.offer(batch(feed.head.batch_number + 1))
        taken(feed)
    assert feed.head == position(999)


@given(
    known=st.integers(0, 5),
    arrivals=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=80),
)
def test_any_arrival_gives_a_contiguous_stream_that_repair_completes(
    known: int, arrivals: list[tuple[int, bool]]
) -> None:
    feed = Feed(position(known))
    seen: list[int] = []
    for number, is_pointer in arrivals:
        if is_pointer:
            feed.note(number)
        else:
            feed.offer(batch(number))
        seen += taken(feed)
    newest = max([known, *(number for number, _ in arrivals)])
    assert feed.newest == newest
    # The store has them all: reading on from the head closes every gap.
    for number in range(feed.head.batch_number + 1, newest + 1):
        feed.offer(batch(number))
        seen += taken(feed)
    assert seen == list(range(known + 1, newest + 1))
    assert (feed.head, feed.behind) == (position(newest), False)
