"""The curves of the capacity report, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from bench.capacity_report import Ladder, Report
from bench.capacity_step import LIMIT_MS

_LATENCIES = {"p50 ms": "p50", "p95 ms": "p95", "p99 ms": "p99"}
_CORES = {
    "app CPU cores": "app",
    "PostgreSQL CPU cores": "PostgreSQL",
    "Redis CPU cores": "Redis",
    "nginx CPU cores": "nginx",
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
_PER_SESSION = {
    "database KB/session, live": "database, live",
    "database KB/session, sealed": "database, sealed",
    "Redis KB/session": "Redis",
}
_ALONG = {"events": "batches/s planned"}
_AXES = {"batches/s planned": "batches a second"}
_PLAIN = StrMethodFormatter("{x:,g}")
_WIDTH, _HEIGHT = 9.0, 4.0


def draw_curves(report: Report, folder: Path) -> list[Path]:
    """Draw each ladder that has figures into a file of the folder; return the files."""
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: small, and it can be read aloud
    mpl.rcParams["svg.hashsalt"] = "spectraview"
    mpl.rcParams["font.size"] = 9
    folder.mkdir(exist_ok=True)
    measured = [
        name for name, ladder in report.items() if any(s["figures"] for s in ladder["steps"])
    ]
    return [_draw(name, report[name], folder) for name in measured]


def image_name(ladder: str) -> str:
    """Return the name of a ladder's picture."""
    return f"capacity-{ladder.replace(', ', '-').replace(' ', '-')}.svg"


def _draw(name: str, ladder: Ladder, folder: Path) -> Path:
    picture = Picture(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    left, right = picture.subplots(1, 2)
    kind = name.partition(",")[0]
    along = _ALONG.get(kind, kind)
    if kind == "storage":
        _from_zero(left, ladder, "sessions", _STORED, "all together, MB")
        _from_zero(right, ladder, "sessions", _PER_SESSION, "a session, KB")
    else:
        _latency(left, ladder, along, _SEEN if kind == "viewers" else _LATENCIES)
        if kind == "sessions":
            _from_zero(right, ladder, along, _MEMORY, "memory, MB")
        else:
            _from_zero(right, ladder, along, _CORES, "CPU, cores")
    picture.suptitle(f"Capacity: {name}")
    file = folder / image_name(name)
    picture.savefig(file, metadata={"Date": None})
    return file


def _latency(axes: Axes, ladder: Ladder, along: str, names: Mapping[str, str]) -> None:
    _curves(axes, ladder, along, names, "latency, ms")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(_PLAIN)
    axes.yaxis.set_minor_formatter(NullFormatter())
    limit = f"limit of ingest's p95: {LIMIT_MS:g} ms"
    axes.axhline(LIMIT_MS, color="black", linestyle="--", linewidth=1, label=limit)
    lowest, highest = axes.get_ylim()
    axes.set_ylim(lowest, max(highest, 2 * LIMIT_MS))  # the limit is seen where all is far below
    _legend(axes, columns=2)


def _from_zero(axes: Axes, ladder: Ladder, along: str, names: Mapping[str, str], unit: str) -> None:
    _curves(axes, ladder, along, names, unit)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(_PLAIN)
    _legend(axes, columns=3)


def _legend(axes: Axes, *, columns: int) -> None:
    """Say below what the curves are: within, it would hide some."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.2),
            ncols=columns,
            fontsize=7,
            frameon=False,
        )


def _curves(axes: Axes, ladder: Ladder, along: str, names: Mapping[str, str], unit: str) -> None:
    for figure, label in names.items():
        places, values = _points(ladder, along, figure)
        if values:
            axes.plot(places, values, marker="o", markersize=3, label=label)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(_PLAIN)
    axes.set_xlabel(_AXES.get(along, along))
    axes.set_ylabel(unit)
    axes.grid(alpha=0.3)


def _points(ladder: Ladder, along: str, figure: str) -> tuple[Sequence[float], Sequence[float]]:
    points = [
        (place, value)
        for step in ladder["steps"]
        if (place := step["figures"].get(along)) is not None
        and (value := step["figures"].get(figure)) is not None
    ]
    return [place for place, _ in points], [value for _, value in points]
