"""The table that a run over the topology prints."""

from tests.deploy.crowd import Outcome, Size
from tests.faults.history import Tally

_COLUMNS = (
    "Outage",
    "Lasted s",
    "All well after s",
    "Batches acknowledged",
    "Sent again",
    "Things seen by viewers",
    "Reconnects",
    "Longest until acknowledged s",
)


def table(outcome: Outcome) -> str:
    """Return a row for each outage, as Markdown, what was between them last."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    for name in (*outcome.back, "calm"):
        tally = outcome.history.tallies.get(name, Tally())
        lasted = f"{outcome.lasted[name]:.1f}" if name in outcome.lasted else ""
        back = f"{outcome.back[name]:.1f}" if name in outcome.back else ""
        counts = (tally.acknowledged, tally.retried, tally.delivered, tally.reconnected)
        numbers = [f"{count:,}" for count in counts]
        rows.append((name, lasted, back, *numbers, f"{tally.longest_commit:.1f}"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def summary(size: Size, outcome: Outcome) -> str:
    """Return what the whole run came to."""
    sessions = outcome.history.sessions
    batches = [batch for session in sessions for batch in session.batches]
    outcomes = [batch.outcome for batch in batches]
    streams = [stream for session in sessions for stream in session.streams]
    seen = sum(len(part) for stream in streams for part in stream.parts)
    lines = [
        f"{size.sessions} sessions and {size.viewers} viewers at once, {len(batches):,} batches"
        f" ({outcomes.count('ok'):,} ok, {outcomes.count('unknown')} unknown,"
        f" {outcomes.count('fail'):,} bad ones refused), {seen:,} things seen over"
        f" {sum(stream.connections for stream in streams):,} connections,"
        f" {sum(len(stream.skipped) for stream in streams)} skips:"
        f" {len(outcome.history.violations)} violations",
        f"nginx answered {sum(outcome.answers.values()):,} requests,"
        f" {sum(n for (status, _), n in outcome.answers.items() if status >= 500):,} of them with"
        f" 5xx; {sum(n for (_, other), n in outcome.answers.items() if other):,} were taken over by"
        " another process",
    ]
    lines += [f"VIOLATION {v.promise}: {v.place}" for v in outcome.history.violations]
    return "\n".join(lines)
