"""The results of the capacity runs in one JSON file: a run replaces what it measured before."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from bench.figures import Result


class Step(TypedDict):
    """One step of a ladder."""

    name: str
    figures: dict[str, float | None]
    problems: list[str]


class Ladder(TypedDict):
    """What one run of a ladder found out, when and where."""

    measured: str
    machine: dict[str, str]
    steps: list[Step]


Report = dict[str, Ladder]


def read_report(file: Path) -> Report:
    """Return the ladders by their names; none where there is no file."""
    if not file.exists():
        return {}
    report: Report = json.loads(file.read_text(encoding="utf-8"))
    return report


def write_ladder(
    file: Path, name: str, machine: Mapping[str, str], results: Sequence[Result]
) -> None:
    """Put a ladder into the file, in the place of an earlier one of its name."""
    ladder: Ladder = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": dict(machine),
        "steps": [_step(result) for result in results],
    }
    report = read_report(file) | {name: ladder}
    text = json.dumps(report, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def _step(result: Result) -> Step:
    figures = {figure.name: _rounded(figure.value) for figure in result.figures}
    return {"name": result.server, "figures": figures, "problems": list(result.problems)}


def _rounded(value: float | None) -> float | None:
    return value if value is None else round(value, 3)
