"""The table that a run prints."""

from tests.faults.history import History, Tally
from tests.faults.staleness import Staleness, staleness

_COLUMNS = (
    "fault",
    "times",
    "acknowledged",
    "retried",
    "unknown",
    "refused",
    "delivered",
    "reconnected",
    "commit max s",
    "judged",
    "shown p99 s",
    "shown max s",
)


def report(history: History) -> str:
    """Return the faults with their operations and results, then every violation."""
    delays = staleness(history)
    names = sorted({*history.tallies, *delays}, key=lambda name: (name == "calm", name))
    rows: list[tuple[str, ...]] = [_COLUMNS]
    rows += [_row(name, history.tallies.get(name, Tally()), delays.get(name)) for name in names]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    lines += ["", _totals(history)]
    lines += [f"VIOLATION {v.promise}: {v.place}" for v in history.violations]
    return "\n".join(lines)


def _row(name: str, tally: Tally, delays: Staleness | None) -> tuple[str, ...]:
    counts = (
        tally.times,
        tally.acknowledged,
        tally.retried,
        tally.unknown,
        tally.refused,
        tally.delivered,
        tally.reconnected,
    )
    shown = ("", "", "")
    if delays is not None:
        shown = (str(delays.judged), f"{delays.p99:.2f}", f"{delays.longest:.2f}")
    return name, *map(str, counts), f"{tally.longest_commit:.2f}", *shown


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        text.rjust(width) if column else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]


def _totals(history: History) -> str:
    batches = [batch for session in history.sessions for batch in session.batches]
    streams = [stream for session in history.sessions for stream in session.streams]
    outcomes = {
        outcome: sum(batch.outcome == outcome for batch in batches)
        for outcome in ("ok", "unknown", "fail")
    }
    seen = sum(len(part) for stream in streams for part in stream.parts)
    return (
        f"{len(history.sessions)} sessions, {len(batches)} batches ({outcomes['ok']} ok,"
        f" {outcomes['unknown']} unknown, {outcomes['fail']} fail), {len(streams)} streams over"
        f" {sum(stream.connections for stream in streams)} connections, {seen} things seen,"
        f" {sum(len(stream.skipped) for stream in streams)} skips, the bench late for"
        f" {sum(ended - began for began, ended in history.stalls):.1f} s in all:"
        f" {len(history.violations)} violations"
    )
