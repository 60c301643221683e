"""The embedded Valkey: its configuration and its address."""

import os
import re
import secrets
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from spectraview.embedded.account import Account
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.orphans import stop_orphans
from spectraview.embedded.ports import LOOPBACK, start_on_free_port
from spectraview.embedded.process import ServerProcess
from spectraview.embedded.programs import VALKEY, program_path

# Valkey is a cache here and PostgreSQL holds whatever is in it, so it neither saves nor restores
# its data, and evicts what was used least when its memory is full.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
pidfile valkey.pid
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
"""


class Valkey:
    """Valkey in a data folder whose lock we hold."""

    def __init__(self, data_dir: Path, account: Account | None) -> None:
        self._data_dir = data_dir
        self._directory = _directory(data_dir)
        self._account = account
        self._program = program_path(VALKEY, data_dir, account)

    def start(self) -> ServerProcess:
        """Start the server, empty."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._give_to_account(self._directory)
        pid_file = self._directory / "valkey.pid"
        stop_orphans(self._directory, "valkey-server", pid_file, self._account)
        return start_on_free_port(self._start_on)

    def _start_on(self, port: int) -> ServerProcess:
        self._write_configuration(port)
        process = ServerProcess(
            "Valkey",
            [self._program, _configuration_file(self._data_dir).name],
            directory=self._directory,
            log=self._data_dir / "valkey.log",
            account=self._account,
        )
        process.wait_until(lambda: running_cache_url(self._data_dir) is not None)
        return process

    def _write_configuration(self, port: int) -> None:
        # In a file, since everyone can read a command line.
        file = _configuration_file(self._data_dir)
        file.unlink(missing_ok=True)
        file.touch(0o600)
        password = secrets.token_urlsafe(24)
        file.write_text(CONFIGURATION.format(host=LOOPBACK, port=port, password=password))
        self._give_to_account(file)

    def _give_to_account(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.user_id, self._account.group_id)


def running_cache_url(data_dir: Path) -> str | None:
    """Return the address of the Valkey that runs for the data folder, None if none answers."""
    try:
        url = cache_url(data_dir)
        # Another server on this port would not take our password.
        with redis.Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0)) as client:
            client.ping()
    except (EmbeddedError, redis.RedisError):
        return None
    return url


def cache_url(data_dir: Path) -> str:
    """Return the address that the data folder's server had when it was last started."""
    try:
        text = _configuration_file(data_dir).read_text()
    except OSError as error:
        raise EmbeddedError(
            f"The file {error.filename} cannot be read: {error.strerror}."
        ) from error
    settings = re.search(r"^port (\d+)\nrequirepass (\S+)$", text, re.MULTILINE)
    if settings is None:
        raise EmbeddedError(f"The file {_configuration_file(data_dir)} is incomplete.")
    return f"redis://:{settings[2]}@{LOOPBACK}:{settings[1]}/0"


def _directory(data_dir: Path) -> Path:
    return data_dir / "valkey"


def _configuration_file(data_dir: Path) -> Path:
    return _directory(data_dir) / "valkey.conf"
