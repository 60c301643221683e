"""The embedded servers start, keep their data, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest
import redis

from spectraview.embedded import (
    EmbeddedError,
    EmbeddedServers,
    ServerAddresses,
    default_data_dir,
    running_addresses,
)
from tests.processes import wait_for_ends

PROJECT = Path(__file__).parents[2]
HURRIED = {"fsync": "off", "full_page_writes": "off"}
START_AND_WAIT = """
import sys, threading
from pathlib import Path
from spectraview.embedded import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1]), {"fsync": "off", "full_page_writes": "off"})
if sys.argv[2] == "main":
    servers.start()
else:
    starter = threading.Thread(target=servers.start)
    starter.start()
    starter.join()
print("started", flush=True)
sys.stdin.read()
"""


class Running(NamedTuple):
    """Servers that tests share, since they do not change them."""

    data_dir: Path
    addresses: ServerAddresses


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    """Make a folder that root's servers can enter, which pytest's own tmp_path is not."""
    with tempfile.TemporaryDirectory(prefix="spectraview-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def parent() -> Iterator[Path]:
    with folder_for_servers() as folder:
        yield folder


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Name a data folder in which each test starts servers and leaves none."""
    with folder_for_servers() as folder:
        yield folder / "a data folder"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with folder_for_servers() as folder, servers_in(folder / "data") as addresses:
        yield Running(folder / "data", addresses)


def servers_in(data_dir: Path) -> EmbeddedServers:
    return EmbeddedServers(data_dir, HURRIED)


def execute(addresses: ServerAddresses, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(addresses.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def server_processes(data_dir: Path) -> set[int]:
    pid_files = (data_dir / "pgdata/postmaster.pid", data_dir / "valkey/valkey.pid")
    return {int(file.read_text().split()[0]) for file in pid_files if file.exists()}


def still_running(process_ids: set[int]) -> set[int]:
    return {process_id for process_id in process_ids if is_running(process_id)}


def is_running(process_id: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return False


def kill_owner(data_dir: Path, thread: str) -> set[int]:
    """Start servers in another process, take that away from them and return theirs."""
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(data_dir), thread],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"started\n"
        servers = server_processes(data_dir)
        owner.send_signal(signal.SIGKILL)
    assert len(servers) == 2
    return servers


def test_first_start_gives_an_empty_database_and_a_cache(running: Running) -> None:
    assert execute(running.addresses, "SELECT current_database()") == [("spectraview",)]
    with redis.Redis.from_url(running.addresses.redis_url) as cache:
        assert cache.dbsize() == 0


def test_running_addresses_are_those_of_the_running_servers(running: Running) -> None:
    assert running_addresses(running.data_dir) == running.addresses


def test_nothing_runs_in_an_unknown_folder(parent: Path) -> None:
    assert running_addresses(parent / "data") is None


def test_passwords_are_private(running: Running) -> None:
    for name in ("pgpass", "valkey/valkey.conf"):
        assert (running.data_dir / name).stat().st_mode & 0o777 == 0o600
    assert "://" not in repr(running.addresses)


def test_stranger_is_refused_by_the_database(running: Running) -> None:
    place = running.addresses.database_url.split("@")[1]
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(f"postgresql://spectraview:guess@{place}")


def test_stranger_is_refused_by_the_cache(running: Running) -> None:
    place = running.addresses.redis_url.split("@")[1]
    with (
        redis.Redis.from_url(f"redis://:guess@{place}") as cache,
        pytest.raises(redis.AuthenticationError),
    ):
        cache.ping()


def test_second_owner_is_refused(running: Running) -> None:
    with pytest.raises(EmbeddedError, match=rf"already used .* \(process {os.getpid()}\)"):
        servers_in(running.data_dir).start()


def test_data_survive_a_restart(data_dir: Path) -> None:
    with servers_in(data_dir) as addresses:
        execute(addresses, "CREATE TABLE kept AS SELECT 1 AS number")
    with servers_in(data_dir) as addresses:
        assert execute(addresses, "SELECT number FROM kept") == [(1,)]


def test_stop_leaves_nothing_running(data_dir: Path) -> None:
    servers = servers_in(data_dir)
    servers.start()
    processes = server_processes(data_dir)
    servers.stop()
    assert len(processes) == 2
    assert not still_running(processes)
    assert running_addresses(data_dir) is None


@pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="without util-linux the next start ends them"
)
def test_servers_end_with_their_killed_owner(data_dir: Path) -> None:
    orphans = kill_owner(data_dir, "main")
    wait_for_ends(orphans, 10)
    assert not still_running(orphans)


@pytest.mark.parametrize("thread", ["main", "worker"])
def test_start_after_the_owner_was_killed(data_dir: Path, thread: str) -> None:
    orphans = kill_owner(data_dir, thread)
    with servers_in(data_dir) as addresses:
        assert execute(addresses, "SELECT 1") == [(1,)]
        assert not still_running(orphans)


def test_start_after_the_number_of_a_killed_server_went_to_another(data_dir: Path) -> None:
    with servers_in(data_dir):
        pass
    (data_dir / "pgdata/postmaster.pid").write_text(f"{os.getpid()}\n")
    (data_dir / "valkey/valkey.pid").write_text(f"{os.getpid()}\n")
    with servers_in(data_dir):
        assert os.getpid() not in server_processes(data_dir)


def test_failed_start_says_why_and_leaves_nothing(data_dir: Path) -> None:
    with pytest.raises(EmbeddedError, match="shared_buffers"):
        EmbeddedServers(data_dir, {**HURRIED, "shared_buffers": "much"}).start()
    assert not server_processes(data_dir)
    with servers_in(data_dir):
        pass


def test_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(EmbeddedError, match="cannot be made"):
        EmbeddedServers(Path("/proc/spectraview")).start()


def test_file_in_place_of_the_folder_is_refused(parent: Path) -> None:
    (parent / "data").touch()
    with pytest.raises(EmbeddedError, match="not a folder"):
        servers_in(parent / "data").start()


@as_user
def test_folder_that_is_not_writable_is_refused(parent: Path) -> None:
    (parent / "data").mkdir(0o500)
    with pytest.raises(EmbeddedError, match="not writable"):
        servers_in(parent / "data").start()


@as_root
def test_folder_below_a_private_one_is_refused(parent: Path) -> None:
    parent.chmod(0o700)
    with pytest.raises(EmbeddedError, match=f"nobody.*cannot enter {parent}:"):
        servers_in(parent / "data").start()
    assert not (parent / "data").exists()


@as_root
def test_private_folder_is_opened_only_while_it_is_empty(parent: Path) -> None:
    parent.chmod(0o700)
    (parent / "letter").touch()
    with pytest.raises(EmbeddedError, match="empty"):
        servers_in(parent).start()
    (parent / "letter").unlink()
    with servers_in(parent):
        assert parent.stat().st_mode & 0o777 == 0o711


@as_user
def test_default_data_dir_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data/home")
    assert default_data_dir() == Path("/data/home/spectraview")


@as_root
def test_default_data_dir_of_root_is_below_var() -> None:
    assert default_data_dir() == Path("/var/lib/spectraview")
