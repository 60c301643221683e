"""The documents say what the code does: every route, setting, error and command, and no others."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from spectraview import errors
from spectraview.cli import main
from spectraview.config import Config, variable_name
from spectraview.routes import ROUTES

PROJECT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/fuzzing.md",
    "docs/live-protocol.md",
    "docs/scaling.md",
    "docs/security.md",
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def read(name: str) -> str:
    """Return a document's text."""
    return (PROJECT / name).read_text(encoding="utf-8")


def rows(*header: str) -> list[tuple[str, ...]]:
    """Return the rows of the README's table with this header, each cut to the header's columns."""
    lines = read("README.md").splitlines()
    start = next(n for n, line in enumerate(lines) if cells(line)[: len(header)] == header)
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append(cells(line)[: len(header)])
    return found


def cells(line: str) -> tuple[str, ...]:
    """Return the cells of a table's line, without the marks of code."""
    return tuple(cell.strip().replace("`", "") for cell in line.strip("|").split("|"))


def test_every_route_is_in_the_readme() -> None:
    assert rows("Method", "Path", "Scope", "Token") == [
        (route.method, route.path, route.scope or "none", "yes" if route.viewer_token else "")
        for route in ROUTES
    ]


def test_every_setting_is_in_the_readme() -> None:
    fields = zip(Config.__struct_fields__, Config.__struct_defaults__, strict=True)
    assert rows("Variable", "Default") == [
        (variable_name(field), default_text(default)) for field, default in fields
    ]


def default_text(default: object) -> str:
    """Return a default as the README writes it."""
    if isinstance(default, float):
        return f"{default:g}"
    return str(default).lower() if isinstance(default, bool) else str(default) or "empty"


def test_every_error_is_in_the_readme() -> None:
    kinds = (value for value in vars(errors).values() if isinstance(value, type))
    raised = [
        (str(kind.status.value), kind().code)
        for kind in kinds
        if issubclass(kind, errors.ApiError) and kind is not errors.ApiError
    ]
    assert rows("Status", "Code") == sorted(raised)


def test_every_command_is_in_the_readme() -> None:
    documented = {" ".join(re.findall(r"^[a-z ]+[a-z]", name)) for (name,) in rows("Command")}
    assert documented == set(commands(main, "spectraview"))


def commands(command: click.Command, name: str) -> Iterator[str]:
    """Yield the command, or all commands of the group, by their full names."""
    if not isinstance(command, click.Group):
        yield name
        return
    for part, member in command.commands.items():
        yield from commands(member, f"{name} {part}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in LINK.findall(read(document)):
        path, _, heading = link.partition("#")
        if "://" in path:
            continue
        target = (PROJECT / document).parent / path if path else PROJECT / document
        assert target.is_file(), link
        if heading:
            headings = HEADING.findall(target.read_text(encoding="utf-8"))
            assert heading in map(anchor, headings), link


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
