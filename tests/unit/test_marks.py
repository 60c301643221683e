"""What ingest notes of a batch for the manifest, and what is found in it."""

from typing import Any

import pytest

from spectraview.ingest.body import Limits
from spectraview.storage.marks import (
    MOST_CLICKS,
    Marks,
    dead_clicks,
    decode_marks,
    encode_marks,
    join_marks,
    merge_marks,
    rage_clicks,
)
from tests.unit.bodies import event, json_bytes, parse

START = 1_700_000_000_000
MANY = Limits(max_inflated=32_000_000, max_events=50_000)


def did(source: int, at: float = 0, **data: Any) -> dict[str, Any]:
    """Return an incremental event of this source, so many milliseconds after the start."""
    return event(3, START + at, data={"source": source, **data})


def click(at: float = 0, x: Any = 10, y: Any = 20, node: Any = 7) -> dict[str, Any]:
    """Return a click."""
    return did(2, at, type=2, id=node, x=x, y=y)


def page(href: Any, at: float = 0) -> dict[str, Any]:
    """Return a Meta."""
    return event(4, START + at, data={"href": href, "width": 1, "height": 1})


def packed(*events: dict[str, Any]) -> bytes:
    """Return the marks of a batch of these events, as they are stored."""
    return parse({"events": list(events)}, limits=MANY).events.marks


def marks_of(*events: dict[str, Any]) -> Marks:
    """Return the marks of a batch of these events."""
    return decode_marks(packed(*events))


def dead_times(*batches: list[dict[str, Any]]) -> list[int]:
    """Return when the dead clicks were in these batches, from the start."""
    firsts = [sum(map(len, batches[:place])) for place in range(len(batches))]
    marked = zip(firsts, [packed(*batch) for batch in batches], strict=True)
    return [found.timestamp - START for found in dead_clicks(merge_marks(marked))]


MUTATION, MOVE, SCROLL, INPUT = did(0, 2000), did(1, 9000), did(3, 2000), did(5, 2000)
FOCUS = did(2, 2000, type=5, id=7)
LATER_MUTATION = did(0, 3001)


def test_a_batch_that_tells_nothing_has_no_marks() -> None:
    assert packed(event(5), event(6)) == packed() == b""


def test_what_the_user_does_is_counted_by_the_second() -> None:
    events = [did(source, 100 * source) for source in range(8)] + [did(1, 2999.5)]
    second = START // 1000
    assert marks_of(*events).activity == {second: 5, second + 2: 1}


def test_clicks_have_their_place_time_spot_and_node() -> None:
    (found,) = marks_of(MOVE, click(5.9, x=1.6, y=-3)).clicks
    assert (found.offset, found.timestamp, found.x, found.y) == (1, START + 5, 2, -3)
    assert (found.node_id, found.reaction) == (7, None)


@pytest.mark.parametrize("odd", [None, "12", "1e9", [], {}, True, 10**400, 1e300, 2_000_000])
def test_a_click_at_no_possible_spot_is_noted_without_it(odd: Any) -> None:
    (found,) = marks_of(click(x=odd, y=odd, node=odd if odd != 2_000_000 else -2)).clicks
    assert (found.x, found.y, found.node_id) == (None, None, None)


def test_a_click_without_anything_is_noted() -> None:
    (found,) = marks_of(did(2, type=2)).clicks
    assert (found.x, found.y, found.node_id) == (None, None, None)


@pytest.mark.parametrize("odd", [None, 12, [], {}, True, {"href": "https://a/"}])
def test_an_address_that_is_no_text_is_no_page(odd: Any) -> None:
    assert marks_of(page(odd)).pages == []


def test_events_of_odd_shapes_are_stored_and_leave_the_others_their_marks() -> None:
    odd = [event(3, START, data={"source": "click", "type": {}}), event(3, START, data=[1])]
    found = marks_of(*odd, click(), page("https://a/"))
    assert ([mark.offset for mark in found.clicks], found.pages[0].offset) == ([2], 3)


def test_a_page_is_noted_once_until_there_is_another() -> None:
    hrefs = ["https://a/", "https://a/", "https://b/", "https://a/"]
    pages = marks_of(*[page(href, at) for at, href in enumerate(hrefs)]).pages
    assert [(mark.offset, mark.timestamp - START, mark.href) for mark in pages] == [
        (0, 0, "https://a/"),
        (2, 2, "https://b/"),
        (3, 3, "https://a/"),
    ]


@pytest.mark.parametrize("stamp", [-(2**63) + 1, 2**63 - 1, -9.2e18, 9.2e18, 0])
def test_absurd_times_are_noted_as_they_are(stamp: float) -> None:
    found = marks_of({**click(), "timestamp": stamp}, {**page("https://a/"), "timestamp": stamp})
    assert found.clicks[0].timestamp == found.pages[0].timestamp == int(stamp)
    assert dead_clicks(found) == []


HOSTILE = {
    "clicks": [click(at * 2000, x=at, y=1e308) for at in range(50_000)],
    "pages": [page(f"https://a/{at}" + "é" * 300) for at in range(40_000)],
    "long addresses": [page(f"https://{at}/" + "x" * 5000) for at in range(3000)],
    "times": [did(1, at * 10**9) for at in range(50_000)],
}


@pytest.mark.parametrize("events", HOSTILE.values(), ids=HOSTILE)
def test_marks_stay_small_whatever_a_batch_holds(events: list[dict[str, Any]]) -> None:
    data = packed(*events)
    assert len(data) < 65_536
    assert decode_marks(data).truncated


def test_joined_marks_stay_bounded() -> None:
    data = packed(*[click(at) for at in range(900)])
    joined = join_marks([(1000 * place, data) for place in range(30)])
    assert len(joined.clicks) == MOST_CLICKS
    assert joined.truncated


def test_marks_are_the_same_when_they_were_joined_in_parts() -> None:
    batches = [
        packed(page("https://a/"), click(0), click(900)),
        packed(did(1, 1500), click(2000)),
        b"",
        packed(page("https://a/", 9000), MUTATION),
        packed(page("https://b/", 9000), click(9500)),
    ]
    marked = [(10 * place, data) for place, data in enumerate(batches)]
    first, second = merge_marks(marked[:2]), merge_marks(marked[2:])
    assert join_marks([(0, first), (20, second)]) == join_marks(marked)
    assert [found.offset for found in join_marks(marked).clicks] == [1, 2, 11, 41]


def test_offsets_count_from_the_first_sequence() -> None:
    joined = join_marks([(500, packed(click())), (501, packed(MOVE, click()))])
    assert [found.offset for found in joined.clicks] == [0, 2]


def test_large_marks_are_deflated_and_come_back() -> None:
    found = marks_of(*[click(at) for at in range(500)])
    data = encode_marks(found)
    assert len(data) < 4000
    assert decode_marks(data) == found


@pytest.mark.parametrize("reaction", [MUTATION, SCROLL, INPUT, FOCUS, page("https://b/", 2000)])
def test_a_click_that_the_page_answers_is_not_dead(reaction: dict[str, Any]) -> None:
    assert dead_times([click(), reaction, MOVE]) == []
    assert dead_times([click()], [reaction, MOVE]) == []


def test_a_click_is_dead_when_nothing_but_the_mouse_moves() -> None:
    assert dead_times([click(), MOVE]) == [0]
    assert dead_times([click()], [], [MOVE]) == [0]


def test_a_click_is_dead_when_the_page_answers_too_late() -> None:
    assert dead_times([click(), LATER_MUTATION]) == [0]
    assert dead_times([click()], [LATER_MUTATION]) == [0]


def test_an_answer_to_the_button_going_down_counts() -> None:
    down = did(2, -50, type=1, id=7, x=10, y=20)
    assert dead_times([down, did(0, -20), click(), MOVE]) == []
    assert dead_times([did(0, -20), down, click(), MOVE]) == [0]


def test_nobody_knows_of_a_click_at_the_end_of_the_recording() -> None:
    assert dead_times([click()]) == dead_times([click(), did(1, 2000)]) == []


def rage_of(*clicks: dict[str, Any]) -> list[tuple[int, int]]:
    """Return when the rage clicks began, from the start, and how many there were."""
    return [(found.timestamp - START, found.clicks) for found in rage_clicks(packed(*clicks))]


def test_three_clicks_within_a_second_on_one_spot_are_rage() -> None:
    assert rage_of(click(0), click(500, x=30), click(1000, y=40)) == [(0, 3)]


def test_two_clicks_are_not_rage() -> None:
    assert rage_of(click(0), click(1)) == []


def test_slow_clicks_are_not_rage() -> None:
    assert rage_of(click(0), click(500), click(1001)) == []


def test_clicks_on_other_spots_are_not_rage() -> None:
    assert rage_of(click(0), click(1), click(2, x=41)) == []


def test_clicks_on_no_spot_are_not_rage() -> None:
    assert rage_of(*[click(at, x=None) for at in range(5)]) == []


def test_rage_lasts_while_clicks_follow_each_other() -> None:
    burst = [click(at) for at in range(0, 3000, 400)]
    assert rage_of(click(-5000), *burst, click(9000), click(9001), click(9002)) == [
        (0, 8),
        (9000, 3),
    ]


def test_rage_may_span_batches() -> None:
    joined = join_marks([(0, packed(click(0), click(1))), (2, packed(click(2)))])
    assert [found.clicks for found in rage_clicks(joined)] == [3]


def test_an_address_with_half_an_emoji_refuses_nothing() -> None:
    assert json_bytes(page("https://a/\ud83d"))
    assert len(marks_of(page("https://a/\ud83d")).pages) == 1
