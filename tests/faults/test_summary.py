"""The reports of several runs make one table."""

from tests.faults.history import Delay, History, Phase
from tests.faults.report import report
from tests.faults.summary import summarize


def run(acknowledged: int, longest: float) -> str:
    """Return the report of a run with one fault."""
    history = History(phases=[Phase(("cache-cut",), 0.0, 9.0)])
    history.faults = ("cache-cut",)
    history.tally.acknowledged, history.tally.times = acknowledged, 1
    history.delays = [Delay(1.0, 1.0 + longest, "a viewer")]
    history.faults = ()
    history.tally.acknowledged = 7
    return report(history)


def test_counts_are_summed_and_of_delays_the_longest_counts() -> None:
    summary = summarize([run(10, 0.5), run(20, 1.25)])
    lines = summary.table().splitlines()
    assert lines[2] == "| cache-cut | 2 | 30 | 0 | 0 | 0 | 0 | 2 | 1.25 | 1.25 |"
    assert lines[3] == "| calm | 0 | 14 | 0 | 0 | 0 | 0 | - | - | - |"
    assert summary.totals["violations"] == 0
    assert summary.runs == 2
