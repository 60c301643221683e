"""`doctor` tells the state of a deployment; `serve` tells an operator's mistakes in a sentence."""

import asyncio
import os
import shutil
import socket
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
import ujson
from click.testing import CliRunner

from spectraview.cli import main
from tests.conftest import _run_sql
from tests.faults.service import Service


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the embedded servers may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-doctor-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def to_servers(database_url: str, redis_url: str) -> dict[str, str]:
    """The variables that lead to the test's servers."""
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


def refused(data_dir: Path, environment: Mapping[str, str], said: str, port: int = 0) -> None:
    """Check that a server says why it does not start, and says no more."""
    arguments = ["serve", "--port", str(port), "--data-dir", str(data_dir)]
    result = CliRunner().invoke(main, arguments, env=environment)
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, said in result.output) == (1, True), result.output
    assert "Traceback" not in result.output


async def test_a_deployment_that_is_well_ends_with_0(data_dir: Path) -> None:
    service = Service(data_dir)
    await service.start()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "spectraview", "doctor", "--json"),
            *("--data-dir", str(data_dir)),
            env=os.environ,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    finally:
        await service.stop()
    told = [ujson.loads(line) for line in output.splitlines()]
    assert process.returncode == 0, told
    levels = {entry["check"]: entry["level"] for entry in told}
    assert {levels[name] for name in ("schema", "durability", "eviction", "redis-clock")} == {"ok"}
    assert len(levels) == len(told) >= 24


def test_a_deployment_that_is_not_there_ends_with_1(data_dir: Path) -> None:
    result = CliRunner().invoke(main, ["doctor", "--data-dir", str(data_dir)])
    assert result.exit_code == 1
    assert "PROBLEM postgresql           no PostgreSQL runs in the data folder" in result.output
    assert "Start the server, or set DATABASE_URL." in result.output
    assert " checks, 1 problems, " in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SPECTRAVIEW_TTL_HOURS": "soon"}, "SPECTRAVIEW_TTL_HOURS='soon' can't be used"),
        (
            {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1"},
            "The database can't be reached",
        ),
        ({"ARCHIVE_URL": "file:///dev/null/x"}, "ARCHIVE_URL can't be used"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    data_dir: Path, environment: dict[str, str], said: str
) -> None:
    refused(data_dir, environment, said)


def test_a_port_that_is_taken_is_told(data_dir: Path, to_servers: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(data_dir, to_servers, "Address already in use", taken.getsockname()[1])


def test_a_keys_file_that_cannot_be_used_is_told(
    data_dir: Path, to_servers: dict[str, str]
) -> None:
    path = data_dir / "keys.json"
    path.write_text('{"ingest": 5}')
    refused(data_dir, to_servers, "keys.json is damaged")
    path.unlink()
    path.mkdir()
    refused(data_dir, to_servers, "keys.json can't be used: Is a directory")
    refused(Path("/dev/null/folder"), to_servers, "keys.json can't be used: Not a directory")


def test_an_account_without_rights_is_told(
    data_dir: Path, database_url: str, to_servers: dict[str, str]
) -> None:
    empty = f"{database_url.rsplit('/', 1)[1]}_empty"
    _run_sql(database_url, f"CREATE DATABASE {empty} TEMPLATE template0")
    _run_sql(database_url, "CREATE ROLE weak LOGIN PASSWORD 'weak'")
    try:
        url = f"postgresql://weak:weak@127.0.0.1:{urlsplit(database_url).port}/{empty}"
        said = "The database's account may not make tables"
        refused(data_dir, {**to_servers, "DATABASE_URL": url}, said)
    finally:
        _run_sql(database_url, f"DROP DATABASE {empty} WITH (FORCE)")
        _run_sql(database_url, "DROP ROLE weak")


def test_a_redis_that_is_too_old_is_refused(data_dir: Path, to_servers: dict[str, str]) -> None:
    with old_redis() as url:
        said = "Redis is too old: it does not know HELLO. Use Redis 6.2 or newer"
        refused(data_dir, {**to_servers, "REDIS_URL": url}, said)


async def test_what_may_become_a_problem_is_warned_of(
    data_dir: Path, redis_url: str, to_servers: dict[str, str]
) -> None:
    log = data_dir / "log"
    settings = {"ARCHIVE_URL": f"file://{data_dir}/objects", "SPECTRAVIEW_TTL": "5"}
    service = Service(data_dir, to_servers | settings, log=log)
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        try:
            await service.start()
            await service.stop()
        finally:
            client.config_set("maxmemory-policy", "allkeys-lru")
    text = log.read_text()
    for said in (
        "SPECTRAVIEW_TTL is no setting",
        "sessions expire before ARCHIVE_AFTER=30 days are over",
        "maxmemory-policy is noeviction",
    ):
        assert said in text


class _OldRedis(socketserver.StreamRequestHandler):
    """Answers as a Redis of 2018 does."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            for _ in range(int(line[1:])):
                self.rfile.read(int(self.rfile.readline()[1:]) + 2)
            self.wfile.write(b"-ERR unknown command\r\n")


@contextmanager
def old_redis() -> Iterator[str]:
    """Yield the address of an old Redis."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _OldRedis) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()
        thread.join()
