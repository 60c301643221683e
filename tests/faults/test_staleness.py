"""What comes too late is told, but for faults that excuse it."""

import pytest

from tests.faults.history import Delay, History, Phase
from tests.faults.staleness import check_staleness, staleness


def history(*phases: Phase, delay: Delay) -> History:
    """Return a history with one delay."""
    return History(phases=list(phases), delays=[delay])


LATE = Delay(100.0, 102.0, "a viewer")
IN_TIME = Delay(100.0, 101.4, "a viewer")


@pytest.mark.parametrize("fault", ["cache-loss", "valkey-kill", "publishers-cut"])
def test_a_fault_that_leaves_the_store_and_viewers_alone_excuses_nothing(fault: str) -> None:
    seen = history(Phase((fault,), 99.0, 101.0), delay=LATE)
    (found,) = check_staleness(seen)
    assert found.place == f"2.00 s (0.00 s stalled) for a viewer during {fault}"


def test_what_is_late_without_a_fault_is_told_as_calm() -> None:
    assert [v.place for v in check_staleness(history(delay=LATE))] == [
        "2.00 s (0.00 s stalled) for a viewer during calm"
    ]


@pytest.mark.parametrize("fault", ["database-loss", "postgresql-stop", "viewers-delay"])
@pytest.mark.parametrize("ended", [98.0, 100.5, 103.0])
def test_a_fault_of_the_store_or_of_viewers_excuses_what_is_late_until_shortly_after(
    fault: str, ended: float
) -> None:
    seen = history(Phase((fault, "cache-loss"), 97.0, ended), delay=LATE)
    assert not check_staleness(seen)
    assert not staleness(seen)


def test_a_fault_long_ago_excuses_nothing() -> None:
    assert check_staleness(history(Phase(("database-loss",), 80.0, 83.0), delay=LATE))


def test_what_comes_in_time_counts_for_the_fault_that_lasts() -> None:
    seen = history(Phase(("cache-loss",), 99.0, 103.0), delay=IN_TIME)
    assert not check_staleness(seen)
    assert staleness(seen)["cache-loss"].longest == pytest.approx(1.4)


@pytest.mark.parametrize(("stalled", "late"), [(0.1, True), (0.2, False)])
def test_a_machine_too_busy_for_three_processes_excuses_what_is_late(
    stalled: float, late: bool
) -> None:
    seen = history(delay=LATE)
    seen.stalls.append((101.0, 101.0 + stalled))
    assert bool(check_staleness(seen)) == late
    assert staleness(seen)["calm"].longest == pytest.approx(2.0)
