"""scripts/audit says what it could not look up, and never takes that for nothing found."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
AUDIT = PROJECT / "scripts" / "audit"
NOBODY_LISTENS = "http://127.0.0.1:1/"
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": NOBODY_LISTENS,
    "PIP_RETRIES": "0",
    "npm_config_registry": NOBODY_LISTENS,
    "npm_config_fetch_retries": "0",
}
ADVISORY = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}
NPM_FOUND_NOTHING = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 119}}}
NPM_FOUND = NPM_FOUND_NOTHING | {
    "vulnerabilities": {"vite": {"range": "<9", "severity": "high", "fixAvailable": False}}
}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of installed packages: two, and a project that is worked on."""
    folder = tmp_path / "packages"
    for name in ("Good_Package", "other-package", "spectraview"):
        about = folder / f"{name}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n")
    editable = {"url": "file:///srv/spectraview", "dir_info": {"editable": True}}
    (folder / "spectraview-1.0.dist-info" / "direct_url.json").write_text(json.dumps(editable))
    return folder


def entry(name: str, *advisories: dict[str, Any]) -> dict[str, Any]:
    """Return what pip-audit says of a package that PyPI knows."""
    return {"name": name, "version": "1.0", "vulns": list(advisories)}


def report(folder: Path, packages: Path, python: list[dict[str, Any]], npm: Any) -> tuple[int, str]:
    """Return the exit code of a report on these answers, and what it says."""
    (folder / "python.json").write_text(json.dumps({"dependencies": python}) if python else "")
    (folder / "npm.json").write_text(json.dumps(npm) if npm else "")
    (folder / "python.log").write_text("a warning\nConnectionError: no route\n")
    (folder / "npm.log").write_text("")
    script = PROJECT / "scripts" / "_audit_report.py"
    lock = PROJECT / "spectraview" / "web" / "package-lock.json"
    done = subprocess.run(
        [sys.executable, script, folder, packages, lock], capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_nothing_found_in_all_packages_is_good(tmp_path: Path, packages: Path) -> None:
    known = [entry("good-package"), entry("other-package")]
    code, said = report(tmp_path, packages, known, NPM_FOUND_NOTHING)
    assert code == 0
    assert said == (
        "Python: 2 packages looked up, 0 with advisories\n"
        "npm: 119 packages looked up, 0 with advisories\n"
    )


def test_what_was_found_is_named(tmp_path: Path, packages: Path) -> None:
    known = [entry("good-package", ADVISORY), entry("other-package")]
    code, said = report(tmp_path, packages, known, NPM_FOUND)
    assert code == 1
    assert "  good-package 1.0: PYSEC-2026-1, mended in 1.1\n" in said
    assert "  vite <9: high, mended in no version yet\n" in said
    assert "Not" not in said


def test_a_package_that_pypi_does_not_know_is_named(tmp_path: Path, packages: Path) -> None:
    skipped = {"name": "other-package", "skip_reason": "Dependency not found on PyPI"}
    known = [entry("good-package"), skipped]
    code, said = report(tmp_path, packages, known, NPM_FOUND_NOTHING)
    assert code == 2
    assert "Not looked up (1): PyPI did not know all\n    other-package 1.0\n" in said


def test_what_was_found_counts_more_than_what_is_unknown(tmp_path: Path, packages: Path) -> None:
    code, said = report(tmp_path, packages, [entry("good-package", ADVISORY)], None)
    assert code == 1
    assert "    other-package 1.0\n" in said
    assert "There was no answer." in said
    assert said.endswith("are reachable.\n")


def test_without_any_answer_every_package_is_named(tmp_path: Path, packages: Path) -> None:
    code, said = report(tmp_path, packages, [], {"message": "request failed"})
    assert code == 2
    assert "Not looked up (2): ConnectionError: no route\n" in said
    assert "    good-package 1.0, other-package 1.0\n" in said
    assert "): request failed\n" in said
    assert "rrweb 2." in said


def test_offline_the_script_ends_with_2_and_names_what_it_left_out(tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, symlinks=True)
    about = next((environment / "lib").glob("python*/site-packages")) / "stub_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.4\nName: stub-package\nVersion: 1.0\n")
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | OFFLINE
    variables["VIRTUAL_ENV"] = str(environment)
    # The script shall find itself installed: it installs nothing offline.
    stamp = '. "$(dirname -- "$0")/_environment"; fingerprint >"$environment/spectraview-run.stamp"'
    subprocess.run(["sh", "-c", stamp, AUDIT], env=variables, check=True)
    done = subprocess.run([AUDIT], env=variables, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Python: 0 packages looked up" in done.stdout
    assert "pip-audit cannot be installed; is there a network?" in done.stdout
    assert "stub-package 1.0" in done.stdout
    assert "npm: 0 packages looked up" in done.stdout
    assert "rrweb 2." in done.stdout
    assert done.stdout.endswith("are reachable.\n")
