"""What a reader has to know about the machine to judge the figures."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.recordings import Recording

_PACKAGES = ("spectraview", "aiohttp")


def machine_facts(recordings: Sequence[Recording]) -> dict[str, str]:
    """Return the facts by their names, those about what is sent among them."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "CPU": f"{os.cpu_count()} x {_cpu_model()}, load {os.getloadavg()[0]:.1f}",
        "memory": f"{memory:.1f} GB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{package} {_version(package)}" for package in _PACKAGES),
        "recordings": ", ".join(map(_recording_text, recordings)),
    }


def facts_text(facts: Mapping[str, str]) -> str:
    """Return the facts, one a line."""
    width = max(map(len, facts))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in facts.items())


def _recording_text(recording: Recording) -> str:
    return f"{recording.name} ({len(recording.events)} events, {recording.raw_bytes / 1e6:.2f} MB)"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
