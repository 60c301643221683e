"""Puts the tables and pictures of the capacity report into its document. `python -m
bench.capacity_document`.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from bench.capacity_curves import draw_curves, image_name
from bench.capacity_report import Ladder, Report, read_report

_PROJECT = Path(__file__).parents[1]
DOCUMENT = _PROJECT / "docs/capacity.md"
JSON_FILE = _PROJECT / "docs/capacity.json"
_END = "<!-- end -->"
_LATENCY = {f"p{p} ms": f"p{p} ms" for p in (50, 95, 99)}
_CORES = {
    "app CPU cores": "app cores",
    "PostgreSQL CPU cores": "Postgre&shy;SQL cores",
    "Redis CPU cores": "Redis cores",
    "nginx CPU cores": "nginx cores",
    "generator CPU cores": "gene&shy;rator cores",
    "other work's CPU cores": "other work cores",
}
_LOAD = {"events/s": "events/s", **_LATENCY, "batches not answered 200": "not 200"}
_REST = {
    **_CORES,
    "generator late p95 ms": "gene&shy;rator late, p95 ms",
    "app MB at most": "app MB",
    "app KB/session": "app KB/session",
    "Redis MB": "Redis MB",
}
_COLUMNS = {
    "sessions": {"sessions": "sessions", **_LOAD, **_REST},
    "events": {"batches/s planned": "batches/s", **_LOAD, **_REST},
    "viewers": {
        "viewers": "viewers",
        "sessions": "sessions",
        "deliveries/s": "deliveries/s",
        "p95 ms": "ingest p95 ms",
        **{f"to the viewer p{p} ms": f"to the viewer p{p} ms" for p in (50, 95, 99)},
        **_CORES,
        "app MB at most": "app MB",
    },
    "storage": {
        "sessions": "sessions",
        "events": "events",
        "JSON MB": "JSON MB",
        "database MB, live": "database MB, live",
        "database MB, sealed": "database MB, sealed",
        "JSON KB/session": "JSON KB/session",
        "database KB/session, live": "database KB/session, live",
        "database KB/session, sealed": "database KB/session, sealed",
        "Redis KB/session": "Redis KB/session",
    },
}


@click.command()
@click.option("--json", "json_file", type=click.Path(path_type=Path), default=JSON_FILE)
@click.option("--document", type=click.Path(path_type=Path), default=DOCUMENT)
def main(json_file: Path, document: Path) -> None:
    """Draw the curves of a JSON file and put its tables into the document, of those ladders that
    it has a place for.
    """
    text = document.read_text(encoding="utf-8")
    found = read_report(json_file)
    report = {name: ladder for name, ladder in found.items() if _mark(name) in text}
    draw_curves(report, document.parent / "images")
    document.write_text(with_tables(text, report), encoding="utf-8")


def with_tables(text: str, report: Report) -> str:
    """Return a document with the ladders between its marks, `<!-- NAME -->` and `<!-- end -->`."""
    for name, ladder in report.items():
        before, mark, rest = text.partition(_mark(name))
        if mark:
            _, end, after = rest.partition(_END)
            table = "\n".join(_lines(name, ladder))
            text = f"{before}{mark}{table}\n{end}{after}"
    return text


def _mark(name: str) -> str:
    return f"<!-- {name} -->\n"


def _lines(name: str, ladder: Ladder) -> Iterator[str]:
    columns = {
        figure: title
        for figure, title in _COLUMNS[name.partition(",")[0]].items()
        if any(figure in step["figures"] for step in ladder["steps"])
    }
    steps = [step for step in ladder["steps"] if step["figures"]]
    if steps:
        yield f"![{name}: the curves](images/{image_name(name)})\n"
    yield f"Measured {ladder['measured']}."
    if steps:
        yield "\n| " + " | ".join(columns.values()) + " |"
        yield "|" + "---|" * len(columns)
    for step in steps:
        values = (_text(step["figures"].get(figure)) for figure in columns)
        yield "| " + " | ".join(values) + " |"
    for step in ladder["steps"]:
        failed = "The step after that failed" if steps else "The first step failed"
        place = f"At {step['name']}" if step["figures"] else failed
        for problem in step["problems"]:
            yield f"\n{place}: {problem}."


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


if __name__ == "__main__":
    main()
