"""Says what pip-audit and npm have found for scripts/audit, and what they could not look up."""

import json
import re
import sys
import textwrap
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

_MODULES = "node_modules/"


def main(folder: Path, packages: Path, lock: Path) -> int:
    """Print the report; return how scripts/audit ends."""
    parts = (report_python(folder, packages), report_npm(folder, lock))
    if any(missed for _, missed in parts):
        print(
            "Not everything was looked up: run this where the advisories of PyPI and npm are"
            " reachable."
        )
    if any(found for found, _ in parts):
        return 1
    return 2 if any(missed for _, missed in parts) else 0


def report_python(folder: Path, packages: Path) -> tuple[int, int]:
    """Tell of the Python packages; return how many have advisories, and how many are unknown."""
    entries = _read(folder / "python.json").get("dependencies", [])
    known = {_canonical(entry["name"]): entry for entry in entries if "vulns" in entry}
    installed = dict(sorted(_installed(packages)))
    hurt = [entry for entry in known.values() if entry["vulns"]]
    missed = [name for name in installed if name not in known]
    print(f"Python: {len(known)} packages looked up, {len(hurt)} with advisories")
    for entry in hurt:
        for advisory in entry["vulns"]:
            mended = ", ".join(advisory["fix_versions"]) or "no version yet"
            print(f"  {entry['name']} {entry['version']}: {advisory['id']}, mended in {mended}")
    if missed or not known:
        reason = "PyPI did not know all" if entries else _last_line(folder / "python.log")
        _tell_missed((f"{name} {installed[name]}" for name in missed), len(missed), reason)
    return len(hurt), len(missed) or not known


def report_npm(folder: Path, lock: Path) -> tuple[int, int]:
    """Tell of the packages that the web pages are built with, in the same way: npm answers for all
    of them or for none.
    """
    answer = _read(folder / "npm.json")
    hurt = answer.get("vulnerabilities")
    if hurt is not None:
        total = answer["metadata"]["dependencies"]["total"]
        print(f"npm: {total} packages looked up, {len(hurt)} with advisories")
        for name, entry in hurt.items():
            mended = _mended(entry["fixAvailable"])
            print(f"  {name} {entry['range']}: {entry['severity']}, mended in {mended}")
        return len(hurt), 0
    locked = sorted(
        f"{place.rpartition(_MODULES)[2]} {package['version']}"
        for place, package in json.loads(lock.read_text())["packages"].items()
        if _MODULES in place and not package.get("link")
    )
    print("npm: 0 packages looked up")
    _tell_missed(locked, len(locked), answer.get("message") or _last_line(folder / "npm.log"))
    return 0, len(locked)


def _mended(fix: dict[str, str] | bool) -> str:
    if isinstance(fix, dict):
        return f"{fix['name']} {fix['version']}"
    return "a newer version" if fix else "no version yet"


def _installed(packages: Path) -> Iterable[tuple[str, str]]:
    for package in distributions(path=[str(packages)]):
        if not _is_editable(package):
            yield _canonical(package.metadata["Name"]), package.version


def _is_editable(package: Distribution) -> bool:
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tell_missed(names: Iterable[str], count: int, reason: str) -> None:
    print(f"  Not looked up ({count}): {reason}")
    # A name and its version stay together, and break at none of their dashes.
    text = ", ".join(name.replace(" ", "\0") for name in names)
    indent = " " * 4
    lines = textwrap.wrap(
        text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    print("\n".join(lines).replace("\0", " "))


def _read(path: Path) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(path.read_text())
    except ValueError:
        return {}
    return answer


def _last_line(log: Path) -> str:
    lines = log.read_text().strip().splitlines()
    return lines[-1].strip() if lines else "There was no answer."


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
