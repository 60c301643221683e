"""Checks of this machine and of the settings."""

import resource
import shutil
import stat
import sys
from pathlib import Path

from spectraview.config import unknown_variables
from spectraview.config_checks import config_warnings
from spectraview.diagnosis.findings import (
    Deployment,
    Finding,
    megabytes,
    ok,
    problem,
    warning,
)

_FULL, _NEARLY_FULL = 0.05, 0.15
_OTHER_FILES = 256


def python_version(_: Deployment) -> Finding:
    """Say which Python runs; without the required one nothing would."""
    return ok(f"Python {sys.version.split()[0]}")


def settings(place: Deployment) -> Finding:
    """Look for variables that are no settings, and settings that contradict each other."""
    found = [f"{name} is no setting" for name in unknown_variables(place.environment)]
    found += config_warnings(place.config)
    if found:
        return warning("; ".join(found), "Correct the environment of the server.")
    return ok("the settings fit together")


def data_folder_space(place: Deployment) -> Finding:
    """Look at the disk of the data folder."""
    folder = place.folder
    while not folder.exists():
        folder = folder.parent
    return disk_finding(folder, f"the data folder {place.folder}")


def disk_finding(folder: Path, what: str) -> Finding:
    """Say how full the disk of a folder is."""
    usage = shutil.disk_usage(folder)
    free = f"{megabytes(usage.free)} of {megabytes(usage.total)} are free for {what}"
    advice = "Make room: when the disk is full, batches are refused with 503 and nothing is stored."
    if usage.free < usage.total * _FULL:
        return problem(free, advice)
    return warning(free, advice) if usage.free < usage.total * _NEARLY_FULL else ok(free)


def open_files(place: Deployment) -> Finding:
    """Compare the limit of open files with the connections that a process may have."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = place.config.max_viewers + _OTHER_FILES
    if limit != resource.RLIM_INFINITY and limit < needed:
        return warning(
            f"this shell allows {limit} open files, and a process may have"
            f" {place.config.max_viewers} viewers beside those who send",
            f"Give the server at least {needed}: `ulimit -n`, or LimitNOFILE= of systemd.",
        )
    return ok(f"{limit} files may be open")


def key_file(place: Deployment) -> Finding:
    """Look who can read keys.json."""
    path = place.folder / "keys.json"
    if not path.exists():
        return ok(f"there is no {path}")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return problem(
            f"{path} has the mode {mode:o}: others than its owner can read the keys",
            f"Run `chmod 600 {path}`, and rotate the keys if somebody may have read them.",
        )
    return ok(f"only its owner can read {path}")


CHECKS = (python_version, settings, data_folder_space, open_files, key_file)
