"""The server whose capacity is measured: one of our own, new for each step, or one that runs."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from bench.errors import BenchError
from bench.target import Target, parse_url, read_keys
from spectraview.embedded import running_addresses

_ADDRESS = re.compile(rb"serves (http://\S+)")
_STOP_SECONDS = 60
_SETTINGS = {
    # All come from one address here. Requests are counted all the same.
    "SPECTRAVIEW_MAX_CONNECTIONS": "60000",
    "SPECTRAVIEW_MAX_VIEWERS": "60000",
    "SPECTRAVIEW_RATE_LIMIT_INGEST": "1000000",
    "SPECTRAVIEW_RATE_LIMIT_READ": "1000000",
    "DATABASE_URL": "",
    "REDIS_URL": "",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server and its stores, where they are known."""

    target: Target
    port: int
    """Where the app itself listens; `target` may name a proxy before it."""
    redis_url: str | None = field(default=None, repr=False)
    own: bool = True
    nginx_pid: int | None = None


@contextmanager
def own_server(
    workers: int, settings: Mapping[str, str], python: str = sys.executable
) -> Iterator[Server]:
    """Yield a server that was just started on an empty data folder; both go with the context."""
    with tempfile.TemporaryDirectory(prefix="spectraview-capacity-") as folder:
        Path(folder).chmod(0o755)
        with _running(Path(folder), python, workers, settings) as url:
            yield server_at(url, Path(folder))


def server_at(url: str, data_dir: Path, *, own: bool = True) -> Server:
    """Return the server at an address with its keys and, if they are its own, its stores."""
    addresses = running_addresses(data_dir)
    _, host, port, prefix = parse_url(url)
    target = Target(
        *(url, host, port, prefix, read_keys(data_dir), "bench", f"bench-{uuid4().hex}", {}),
        database_url=(addresses and addresses.database_url) or None,
    )
    return Server(target, port, (addresses and addresses.redis_url) or None, own)


@contextmanager
def _running(folder: Path, python: str, workers: int, settings: Mapping[str, str]) -> Iterator[str]:
    command = [python, "-m", "spectraview", "serve", "--port", "0"]
    command += ["--workers", str(workers), "--data-dir", str(folder)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,  # a tree in which we stand would come before that of the Python
            env={**_environment(), **settings},
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            found = _ADDRESS.search(line)
            if found:
                yield found[1].decode()
                return
        raise BenchError("The server did not start: " + (folder / "server.log").read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_STOP_SECONDS)


def _environment() -> dict[str, str]:
    """Return ours without what would make another Python load our own tree."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return ours | _SETTINGS
