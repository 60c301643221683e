"""Servers of the benchmark's own, filled with sessions that nobody has recorded."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2

from bench.errors import BenchError
from bench.target import Target, parse_url, read_keys
from spectraview.embedded import running_addresses

_ROWS = Path(__file__).with_name("million_rows.sql")
_ADDRESS = re.compile(rb"serves (http://\S+)")
_STOP_SECONDS = 60
_SETTINGS = {
    "SPECTRAVIEW_RATE_LIMIT_INGEST": "1000000",
    "SPECTRAVIEW_RATE_LIMIT_READ": "1000000",
    "SPECTRAVIEW_IDLE_TIMEOUT": "31536000",  # nobody is there to keep the sessions alive
    "DATABASE_URL": "",
    "REDIS_URL": "",
}


@contextmanager
def filled_server(name: str, sessions: int, app_id: str) -> Iterator[Target]:
    """Yield a server with so many sessions, which ends, and all it holds goes, with the context."""
    with tempfile.TemporaryDirectory(prefix="spectraview-bench-") as folder:
        Path(folder).chmod(0o755)
        with _running(Path(folder)) as url:
            addresses = running_addresses(Path(folder))
            if addresses is None:
                raise BenchError("The server's database does not answer")
            fill(addresses.database_url, sessions)
            _, host, port, prefix = parse_url(url)
            keys = read_keys(Path(folder))
            target = Target(name, host, port, prefix, keys, app_id, "bench", {})
            yield replace(target, database_url=addresses.database_url)


def fill(database_url: str, sessions: int) -> None:
    """Make the sessions, and let PostgreSQL know what there is."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.read_text(encoding="utf-8").replace("{sessions}", str(sessions)))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    connection.close()


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "spectraview",
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(folder),
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **_SETTINGS}, stdout=subprocess.PIPE, stderr=log
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
