"""The curves of the capacity report, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from bench.capacity_report import Ladder, Report
from bench.capacity_step import LIMIT_MS

_LATENCIES = {"p50 ms": "p50", "p95 ms": "p95", "p99 ms": "p99"}
_CORES = {
    "app CPU cores": "app",
    "PostgreSQL CPU cores": "PostgreSQL",
    "Redis CPU cores": "Redis",
    "generator CPU cores": "load generator",
    "other work's CPU cores": "other work",
}
_SEEN = {
    "p95 ms": "ingest, p95",
    "to the viewer p50 ms": "to the viewer, p50",
    "to the viewer p95 ms": "to the viewer, p95",
}
_MEMORY = {"app MB at most": "app", "Redis MB": "Redis"}
_STORED = {
    "JSON MB": "JSON of the events",
    "database MB, live": "database, live",
    "database MB, sealed": "database, sealed",
    "Redis MB": "Redis",
}
_WIDTH, _HEIGHT = 9.0, 3.4


def draw_curves(report: Report, folder: Path) -> list[Path]:
    """Draw each ladder into a file of the folder; return the files."""
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: small, and it can be read aloud
    mpl.rcParams["svg.hashsalt"] = "spectraview"
    mpl.rcParams["font.size"] = 9
    folder.mkdir(exist_ok=True)
    return [_draw(name, ladder, folder) for name, ladder in report.items()]


def image_name(ladder: str) -> str:
    """Return the name of a ladder's picture."""
    return f"capacity-{ladder.replace(', ', '-').replace(' ', '-')}.svg"


def _draw(name: str, ladder: Ladder, folder: Path) -> Path:
    picture = Picture(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    left, right = picture.subplots(1, 2)
    kind = name.partition(",")[0]
    if kind == "storage":
        _curves(left, ladder, "sessions", _STORED, "MB")
        _curves(right, ladder, "sessions", _per_session(), "KB for each session")
    else:
        along = {"events": "batches/s planned"}.get(kind, kind)
        _latency(left, ladder, along, _SEEN if kind == "viewers" else _LATENCIES)
        _curves(right, ladder, along, _MEMORY if kind == "sessions" else _CORES, _unit(kind))
    picture.suptitle(name)
    file = folder / image_name(name)
    picture.savefig(file, metadata={"Date": None})
    return file


def _unit(kind: str) -> str:
    return "MB" if kind == "sessions" else "CPU cores"


def _per_session() -> dict[str, str]:
    return {
        "database KB/session, live": "database, live",
        "database KB/session, sealed": "database, sealed",
        "Redis KB/session": "Redis",
    }


def _latency(axes: Axes, ladder: Ladder, along: str, names: Mapping[str, str]) -> None:
    _curves(axes, ladder, along, names, "ms")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.axhline(LIMIT_MS, color="gray", linestyle=":", linewidth=1, label=f"{LIMIT_MS:g} ms")
    axes.legend(fontsize=7)


def _curves(axes: Axes, ladder: Ladder, along: str, names: Mapping[str, str], unit: str) -> None:
    for figure, label in names.items():
        places, values = _points(ladder, along, figure)
        if values:
            axes.plot(places, values, marker="o", markersize=3, label=label)
    axes.set_xlabel(along.removesuffix(" planned"))
    axes.set_ylabel(unit)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize=7)


def _points(ladder: Ladder, along: str, figure: str) -> tuple[Sequence[float], Sequence[float]]:
    points = [
        (place, value)
        for step in ladder["steps"]
        if (place := step["figures"].get(along)) is not None
        and (value := step["figures"].get(figure)) is not None
    ]
    return [place for place, _ in points], [value for _, value in points]
