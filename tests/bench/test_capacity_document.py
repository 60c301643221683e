"""The capacity report's document: tables and pictures of the ladders that it has a place for."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from bench.capacity_document import DOCUMENT, main
from bench.capacity_report import read_report, write_ladder
from bench.figures import Figure, Result

PLACES = ("sessions", "sessions, nginx", "events", "events, 2 workers", "viewers", "storage")
LATENCIES = {"p50 ms": 3.0, "p95 ms": 9.5, "p99 ms": 20.25}
CORES = {
    f"{name} CPU cores": 0.25
    for name in ("app", "PostgreSQL", "Redis", "generator", "other work's")
}
FIGURES = {
    "sessions": {"sessions": 1000, **LATENCIES, **CORES, "app MB at most": 90.0, "Redis MB": 5.0},
    "events": {"batches/s planned": 20.0, **LATENCIES, **CORES},
    "viewers": {"viewers": 1000, "p95 ms": 9.5, "to the viewer p95 ms": 12.0, **CORES},
    "storage": {
        "sessions": 1000,
        "JSON MB": 1300.0,
        "database MB, live": 150.0,
        "database KB/session, live": 150.0,
    },
}
SHOWN = {
    "sessions": ("sessions", "latency, ms", "memory, MB"),
    "events": ("batches a second", "latency, ms", "CPU, cores"),
    "viewers": ("viewers", "latency, ms", "CPU, cores"),
    "storage": ("sessions", "all together, MB", "a session, KB"),
}


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    """A report of every ladder of the document, and of one that it has no place for."""
    file = tmp_path / "capacity.json"
    for name in (*PLACES, "sessions, once"):
        figures = dict(FIGURES[name.partition(",")[0]])
        if "nginx" in name:
            figures["nginx CPU cores"] = 0.125
        steps = [
            Result(name, f"{place}", [Figure(n, v * place) for n, v in figures.items()], [])
            for place in (1, 2, 3)
        ]
        write_ladder(file, name, {}, [*steps, Result(name, "failed", [], ["it did not start"])])
    return file


@pytest.fixture
def document(tmp_path: Path, json_file: Path) -> Path:
    """A copy of the document, with what the report says."""
    copy = tmp_path / "docs" / "capacity.md"
    copy.parent.mkdir()
    shutil.copy(DOCUMENT, copy)
    fill(json_file, copy)
    return copy


def fill(json_file: Path, document: Path) -> None:
    """Put the report into the document, as `scripts/capacity document` does."""
    arguments = ["--json", str(json_file), "--document", str(document)]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def part_of(document: Path, ladder: str) -> list[str]:
    """Return the lines that the document says of a ladder."""
    _, _, rest = document.read_text(encoding="utf-8").partition(f"<!-- {ladder} -->\n")
    return rest.partition("<!-- end -->")[0].splitlines()


def texts_of(picture: Path) -> set[str]:
    """Return what is written in a picture."""
    tree = ElementTree.parse(picture)
    return {"".join(one.itertext()) for one in tree.iter("{http://www.w3.org/2000/svg}text")}


@pytest.mark.parametrize("ladder", PLACES)
def test_each_ladder_has_its_table_and_its_picture(document: Path, ladder: str) -> None:
    lines = part_of(document, ladder)
    image = document.parent / lines[0].partition("(")[2].rstrip(")")
    assert image.is_file()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 3, "what has no figures is no row"
    assert lines[-1] == "The step after that failed: it did not start."
    assert any("nginx cores" in line for line in table) is ("nginx" in ladder)


@pytest.mark.parametrize("ladder", PLACES)
def test_a_picture_says_what_its_axes_mean(document: Path, ladder: str) -> None:
    kind, name = ladder.partition(",")[0], ladder.replace(", ", "-").replace(" ", "-")
    texts = texts_of(document.parent / "images" / f"capacity-{name}.svg")
    assert {f"Capacity: {ladder}", *SHOWN[kind]} <= texts
    assert ("limit of ingest's p95: 100 ms" in texts) is (kind != "storage")
    assert "100" in texts, "a power of ten would be drawn as one"


def test_the_numbers_of_a_column_are_written_alike(document: Path) -> None:
    rows = [line for line in part_of(document, "events") if line.startswith("|")][2:]
    assert [row.split(" | ")[1:4] for row in rows] == [
        ["3.00", "9.50", "20.2"],
        ["6.00", "19.0", "40.5"],
        ["9.00", "28.5", "60.8"],
    ]


def test_what_the_document_has_no_place_for_leaves_no_picture(
    document: Path, json_file: Path
) -> None:
    assert "sessions, once" in read_report(json_file)
    images = {image.stem for image in (document.parent / "images").iterdir()}
    assert images == {"capacity-" + name.replace(", ", "-").replace(" ", "-") for name in PLACES}


def test_the_same_report_makes_the_same_document(document: Path, json_file: Path) -> None:
    files = [document, *sorted((document.parent / "images").iterdir())]
    before = [file.read_bytes() for file in files]
    fill(json_file, document)
    assert [file.read_bytes() for file in files] == before


def test_a_report_of_failures_alone_can_be_shown(tmp_path: Path, document: Path) -> None:
    file = tmp_path / "failed.json"
    for name in PLACES:
        write_ladder(file, name, {}, [Result(name, "failed", [], ["it did not start"])])
    fill(file, document)
    assert part_of(document, "viewers")[-1] == "The first step failed: it did not start."
    assert "images/" not in "".join(part_of(document, "viewers"))
