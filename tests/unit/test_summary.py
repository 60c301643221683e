"""What the summary of a batch tells."""

import pytest

from spectraview.storage.models import EventSummary, Keyframe
from tests.unit.bodies import CLICK, event, parse

FULL_SNAPSHOT, INCREMENTAL, META = 2, 3, 4


def summary_of(*types: int) -> EventSummary:
    """Return the summary of events of these types, at the times 0, 10, 20 and so on."""
    events = [event(kind, timestamp=10 * offset) for offset, kind in enumerate(types)]
    return parse({"events": events}).events


def test_a_batch_without_events_has_the_empty_summary() -> None:
    assert summary_of() == EventSummary()


def test_events_types_and_times_are_gathered() -> None:
    events = [event(5, 30.9), event(3, -10.1), event(5, 20), event(0, 20)]
    summary = parse({"events": events}).events
    assert (summary.count, summary.types) == (4, (0, 3, 5))
    assert (summary.first_timestamp, summary.last_timestamp) == (-11, 30)


@pytest.mark.parametrize(
    ("kind", "source", "action", "clicks"), [(3, 2, 2, 1), (3, 2, 4, 0), (3, 5, 2, 0), (5, 2, 2, 0)]
)
def test_a_click_is_an_incremental_mouse_interaction_of_type_2(
    kind: int, source: int, action: int, clicks: int
) -> None:
    events = [event(kind, data={"source": source, "type": action})]
    assert parse({"events": events}).events.clicks == clicks


def test_every_click_counts() -> None:
    assert parse({"events": [CLICK, event(), CLICK]}).events.clicks == 2


def test_a_meta_with_its_snapshot_is_a_keyframe() -> None:
    summary = summary_of(INCREMENTAL, META, FULL_SNAPSHOT, INCREMENTAL)
    assert (summary.keyframes, summary.orphan_snapshot) == ((Keyframe(1, 10),), None)


def test_events_may_stand_between_a_meta_and_its_snapshot() -> None:
    assert summary_of(META, 0, 1, FULL_SNAPSHOT).keyframes == (Keyframe(0, 0),)


def test_the_nearest_meta_begins_the_keyframe() -> None:
    assert summary_of(META, META, FULL_SNAPSHOT).keyframes == (Keyframe(1, 10),)


def test_each_checkout_is_a_keyframe() -> None:
    summary = summary_of(META, FULL_SNAPSHOT, INCREMENTAL, META, FULL_SNAPSHOT)
    assert summary.keyframes == (Keyframe(0, 0), Keyframe(3, 30))


def test_a_snapshot_before_any_meta_is_an_orphan() -> None:
    summary = summary_of(INCREMENTAL, FULL_SNAPSHOT, META)
    assert (summary.orphan_snapshot, summary.orphan_timestamp) == (1, 10)
    assert (summary.keyframes, summary.last_meta) == ((), 2)


def test_a_snapshot_after_an_orphan_is_a_keyframe_of_its_own() -> None:
    summary = summary_of(FULL_SNAPSHOT, FULL_SNAPSHOT)
    assert (summary.orphan_snapshot, summary.keyframes) == (0, (Keyframe(1, 10),))


def test_a_second_snapshot_without_a_new_meta_is_a_keyframe_of_its_own() -> None:
    summary = summary_of(META, FULL_SNAPSHOT, FULL_SNAPSHOT)
    assert summary.keyframes == (Keyframe(0, 0), Keyframe(2, 20))


def test_the_last_meta_is_told() -> None:
    assert summary_of(META, FULL_SNAPSHOT, META, INCREMENTAL).last_meta == 2


def test_without_a_meta_none_is_told() -> None:
    assert summary_of(INCREMENTAL).last_meta is None


def test_a_keyframe_has_the_floor_of_a_fractional_timestamp() -> None:
    events = [event(META, 1.9), event(FULL_SNAPSHOT, 2.9)]
    assert parse({"events": events}).events.keyframes == (Keyframe(0, 1),)
