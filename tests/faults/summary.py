"""Adds the reports of several runs up to one table: `python -m tests.faults.summary FILE ...`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

_COLUMNS = (
    "Fault",
    "Times",
    "Batches acknowledged",
    "Retried",
    "Unknown",
    "Things seen by viewers",
    "Reconnects",
    "Delays judged",
    "p99 s",
    "Longest s",
)
_SUMMED = ("times", "acknowledged", "retried", "unknown", "delivered", "reconnected", "judged")
_HIGHEST = ("shown p99 s", "shown max s")
_TOTALS = re.compile(r"(\d+) (sessions|batches|streams|things seen|skips|violations)")


@dataclass(slots=True)
class Summary:
    """What all runs had together: a row for each fault, of each figure the sum or the highest."""

    faults: dict[str, dict[str, float]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    runs: int = 0

    def add(self, report: str) -> None:
        """Add a run's report."""
        self.runs += 1
        lines = report.splitlines()
        header = next(n for n, line in enumerate(lines) if line.startswith("fault "))
        names = re.split(r"\s{2,}", lines[header])
        for line in lines[header + 1 :]:
            if not line:
                break
            fault, *values = re.split(r"\s{2,}", line)
            self._add_fault(fault, dict(zip(names[1:], map(float, values), strict=False)))
        for number, name in _TOTALS.findall(report):
            self.totals[name] = self.totals.get(name, 0) + int(number)

    def _add_fault(self, fault: str, values: Mapping[str, float]) -> None:
        row = self.faults.setdefault(fault, dict.fromkeys((*_SUMMED, *_HIGHEST), 0.0))
        for name in _SUMMED:
            row[name] += values.get(name, 0)
        for name in _HIGHEST:
            row[name] = max(row[name], values.get(name, 0))

    def table(self) -> str:
        """Return the table as Markdown, calm last, and the totals."""
        rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
        for fault in sorted(self.faults, key=lambda name: (name == "calm", name)):
            rows.append(_cells(fault, self.faults[fault]))
        totals = ", ".join(f"{number:,} {name}" for name, number in self.totals.items())
        return "\n".join(
            [*(f"| {' | '.join(row)} |" for row in rows), "", f"{self.runs} runs: {totals}"]
        )


def _cells(fault: str, row: Mapping[str, float]) -> tuple[str, ...]:
    counts = [f"{row[name]:,.0f}" for name in _SUMMED]
    seconds = [f"{row[name]:.2f}" for name in _HIGHEST]
    if not row["judged"]:
        counts[-1], seconds = "-", ["-", "-"]
    return fault, *counts, *seconds


def summarize(reports: Iterable[str]) -> Summary:
    """Return the sum of reports."""
    summary = Summary()
    for report in reports:
        summary.add(report)
    return summary


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(files: Sequence[Path]) -> None:
    """Print one table for all runs."""
    click.echo(summarize(file.read_text() for file in files).table())


if __name__ == "__main__":
    main()
