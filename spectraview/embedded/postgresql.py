"""The embedded PostgreSQL: its cluster, its settings, its address."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg2

from spectraview.embedded.account import Account
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.orphans import stop_orphans
from spectraview.embedded.ports import LOOPBACK, start_on_free_port
from spectraview.embedded.process import Command, ServerProcess, run_program
from spectraview.embedded.programs import POSTGRESQL, program_path

NAME = "spectraview"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    # A socket's path is limited to 107 bytes, a data folder's is not.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    # Ingest writes much WAL: checkpoints by time, not by size, write each page in full less often.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Compiling costs more than our short statements take.
    "jit": "off",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    # The driver puts values into the statement's text: events have no place in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # End the statement of a client that has gone.
    "client_connection_check_interval": "2s",
}


class PostgreSQL:
    """PostgreSQL in a data folder whose lock we hold."""

    def __init__(
        self, data_dir: Path, account: Account | None, settings: Mapping[str, str]
    ) -> None:
        self._data_dir = data_dir
        self._account = account
        self._settings = {**SETTINGS, **settings}
        self._cluster = _cluster(data_dir)
        self._program = program_path(POSTGRESQL, data_dir, account)

    def start(self) -> ServerProcess:
        """Start the server, on a new cluster if there is none."""
        if not self._cluster.exists():
            self._create_cluster()
        stop_orphans(self._cluster, "postgres", _pid_file(self._cluster), self._account)
        return start_on_free_port(self._start_on)

    def _start_on(self, port: int) -> ServerProcess:
        settings = {**self._settings, "port": str(port)}
        process = ServerProcess(
            "PostgreSQL",
            [self._program, "-D", self._cluster, *(f"--{k}={v}" for k, v in settings.items())],
            directory=Path("/"),
            log=self._data_dir / "postgres.log",
            account=self._account,
        )
        process.wait_until(lambda: _ready_port(self._cluster, process.pid) == port)
        return process

    def _create_cluster(self) -> None:
        unfinished = self._cluster.with_name("pgdata.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = _password_file(self._data_dir)
        password_file.unlink(missing_ok=True)
        password_file.touch(0o600)
        password_file.write_text(secrets.token_urlsafe(24))
        if self._account is not None:
            for path in (unfinished, password_file):
                os.chown(path, self._account.user_id, self._account.group_id)
        self._initialize(unfinished, password_file)
        unfinished.rename(self._cluster)  # so that a killed start never leaves half a cluster

    def _initialize(self, cluster: Path, password_file: Path) -> None:
        initdb: list[str | Path] = [self._program.with_name("initdb"), "-D", cluster, "-U", NAME]
        initdb += ["-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8"]
        initdb += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self._settings.get("fsync") == "off":
            initdb.append("--no-sync")
        self._run(initdb)
        single: list[str | Path] = [self._program, "--single", "-D", cluster]
        single += ["-c", "exit_on_error=on", "postgres"]
        self._run(single, f"CREATE DATABASE {NAME};\n")

    def _run(self, command: Command, text: str | None = None) -> None:
        finished = run_program(command, self._account, text)
        if finished.returncode != 0:
            last_lines = " / ".join(finished.stdout.strip().splitlines()[-5:])
            raise EmbeddedError(f"The database cannot be created: {last_lines}")


def running_database_url(data_dir: Path) -> str | None:
    """Return the address of the PostgreSQL that runs in the data folder, None if none answers."""
    try:
        url = database_url(data_dir)
        # Only our server knows our password, and this method makes it prove that it does.
        psycopg2.connect(url, connect_timeout=5, require_auth="scram-sha-256").close()
    except (EmbeddedError, psycopg2.OperationalError):
        return None
    return url


def database_url(data_dir: Path) -> str:
    """Return the address that the data folder's server, which must be running, has now."""
    port = _ready_port(_cluster(data_dir))
    if port is None:
        raise EmbeddedError(f"No PostgreSQL runs in {data_dir}.")
    try:
        password = _password_file(data_dir).read_text()
    except OSError as error:
        raise EmbeddedError(
            f"The file {error.filename} cannot be read: {error.strerror}."
        ) from error
    return f"postgresql://{NAME}:{password}@{LOOPBACK}:{port}/{NAME}"


def _cluster(data_dir: Path) -> Path:
    return data_dir / "pgdata"


def _password_file(data_dir: Path) -> Path:
    return data_dir / "pgpass"


def _pid_file(cluster: Path) -> Path:
    return cluster / "postmaster.pid"


def _ready_port(cluster: Path, process_id: int | None = None) -> int | None:
    try:
        lines = _pid_file(cluster).read_text().splitlines()
        if process_id not in (None, int(lines[0])) or lines[7].strip() != "ready":
            return None
        return int(lines[3])
    except (OSError, ValueError, IndexError):
        return None
