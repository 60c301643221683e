"""Shows results: a table for people, JSON for programs."""

from collections.abc import Iterator, Mapping, Sequence

from bench.figures import Figure, Result

_GAP = "  "


def table(results: Sequence[Result]) -> str:
    """Return one benchmark's results side by side; with two servers, how far the first is ahead."""
    names = list(dict.fromkeys(f.name for result in results for f in result.figures))
    header = [results[0].benchmark, *(result.server for result in results)]
    rows = [[name, *(_number(result.figure(name)) for result in results)] for name in names]
    if len(results) == 2:
        header.append("better by")
        for row, name in zip(rows, names, strict=True):
            row.append(_ratio(results[0].figure(name), results[1].figure(name)))
    problems = [f"! {r.server}: {problem}" for r in results for problem in r.problems]
    return "\n".join([*_aligned([header, *rows]), *problems])


def results_json(facts: Mapping[str, str], results: Sequence[Result]) -> dict[str, object]:
    """Return everything that was found out."""
    return {
        "machine": facts,
        "results": [
            {
                "benchmark": result.benchmark,
                "server": result.server,
                "figures": {figure.name.strip(): figure.value for figure in result.figures},
                "problems": list(result.problems),
            }
            for result in results
        ],
    }


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *values = (
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield _GAP.join([name, *values]).rstrip()
        if row is rows[0]:
            yield "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))


def _number(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "-"
    value = figure.value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _ratio(first: Figure | None, second: Figure | None) -> str:
    if first is None or second is None or first.better is None:
        return ""
    ahead, behind = (first, second) if first.better == "more" else (second, first)
    if not ahead.value or not behind.value:
        return ""
    return f"{ahead.value / behind.value:.2f}x"
