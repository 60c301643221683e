"""The table that a run prints."""

from tests.faults.history import History, Tally

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
    "delay max s",
)


def report(history: History) -> str:
    """Return the faults with their operations and results, then every violation."""
    tallies = sorted(history.tallies.items(), key=_calm_last)
    rows = [_COLUMNS, *(_row(name, tally) for name, tally in tallies)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    lines += ["", _totals(history)]
    lines += [f"VIOLATION {v.promise}: {v.place}" for v in history.violations]
    return "\n".join(lines)


def _calm_last(entry: tuple[str, Tally]) -> tuple[bool, str]:
    return entry[0] == "calm", entry[0]


def _row(name: str, tally: Tally) -> tuple[str, ...]:
    counts = (
        tally.times,
        tally.acknowledged,
        tally.retried,
        tally.unknown,
        tally.refused,
        tally.delivered,
        tally.reconnected,
    )
    seconds = (tally.longest_commit, tally.longest_delay)
    return name, *map(str, counts), *(f"{value:.2f}" for value in seconds)


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
        f" {sum(len(stream.skipped) for stream in streams)} skips:"
        f" {len(history.violations)} violations"
    )
