"""A pgbouncer in transaction mode before a PostgreSQL, on this machine."""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from spectraview.embedded.account import server_account
from spectraview.embedded.ports import LOOPBACK, start_on_free_port
from spectraview.embedded.process import ServerProcess

_CONFIGURATION = """\
[databases]
* = host={host} port={server_port} user={user} password={password}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 100
"""


class PgBouncer:
    """It shares few connections among all clients."""

    def __init__(self, server_url: str, folder: Path, *, connections: int) -> None:
        self._server = urlsplit(server_url)
        self._url = server_url
        self._folder = folder
        self._connections = connections
        self._account = server_account()
        self.port = 0
        self._process = start_on_free_port(self._start)

    @property
    def url(self) -> str:
        """Return the database's address through it."""
        return self._url.replace(f":{self._server.port}/", f":{self.port}/")

    def stop(self) -> None:
        """Stop it."""
        self._process.stop()

    def _start(self, port: int) -> ServerProcess:
        self.port = port
        file = self._folder / "pgbouncer.ini"
        settings = {
            "host": LOOPBACK,
            "server_port": self._server.port,
            "user": self._server.username,
            "password": self._server.password,
            "port": port,
            "connections": self._connections,
        }
        file.write_text(_CONFIGURATION.format(**settings))
        if self._account is not None:
            os.chown(file, self._account.user_id, self._account.group_id)
        process = ServerProcess(
            "pgbouncer",
            [_program(), "--quiet", file],
            directory=self._folder,
            log=self._folder / "pgbouncer.log",
            account=self._account,
        )
        process.wait_until(self._answers)
        return process

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True


def _program() -> Path:
    folders = os.pathsep.join(
        (os.environ.get("PATH", ""), "/usr/sbin", str(Path(sys.prefix) / "spectraview-pgbouncer"))
    )
    program = shutil.which("pgbouncer", path=folders)
    assert program is not None, "there is no pgbouncer: scripts/test gets one"
    return Path(program)
