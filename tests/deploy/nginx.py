"""nginx with deploy/nginx.conf itself: only the places that the file includes are made here."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import ujson

from tests.faults.service import free_port
from tests.processes import children_of

DEPLOY = Path(__file__).parents[2] / "deploy"
_PATIENCE = 20.0
_RELOAD_SECONDS = 40.0
"""More than worker_shutdown_timeout."""


def nginx_program() -> str:
    """Return where nginx is: where plain users have no path to, or where scripts/test puts it."""
    folders = ("/usr/sbin", "/usr/local/sbin", f"{sys.prefix}/spectraview-nginx/usr/sbin")
    program = shutil.which("nginx", path=":".join((os.environ.get("PATH", ""), *folders)))
    assert program, "nginx is missing: scripts/test gets it"
    return program


class Nginx:
    """One nginx in front of the processes on these ports."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        self.port = free_port()
        self.access_log = folder / "access.log"
        self.error_log = folder / "error.log"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        (folder / "nginx").mkdir(parents=True)
        (folder / "nginx.conf").symlink_to(DEPLOY / "nginx.conf")
        (folder / "nginx/answer.conf").symlink_to(DEPLOY / "nginx/answer.conf")
        listen = (DEPLOY / "nginx/listen.conf").read_text()
        (folder / "nginx/listen.conf").write_text(
            listen.replace("listen 8080 ", f"listen 127.0.0.1:{self.port} ")
        )
        self.serve(ports)

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self, ports: Sequence[int]) -> None:
        """Name the processes behind it; holds from the next start or reload on."""
        for name in ("servers.conf", "sockets.conf"):
            (self._folder / "nginx" / name).write_text(servers_conf(name, ports))

    def check(self) -> str:
        """Return what nginx says of its configuration."""
        finished = subprocess.run([*self._command, "-t"], capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        return finished.stderr

    async def start(self) -> None:
        """Start it and return when it answers."""
        with self.access_log.open("ab") as out, self.error_log.open("ab") as err:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, "-g", "daemon off;", stdout=out, stderr=err, start_new_session=True
            )
        async with asyncio.timeout(_PATIENCE):
            while not await self._answers():
                assert self._process.returncode is None, self.error_log.read_text()
                await asyncio.sleep(0.02)

    async def reload(self) -> None:
        """Make it read its configuration again; return when the old workers have gone."""
        assert self._process is not None, "it runs"
        before = children_of(self._process.pid)
        self._signal(signal.SIGHUP)
        async with asyncio.timeout(_RELOAD_SECONDS):
            while True:
                now = children_of(self._process.pid)
                if now and not before & now:
                    return
                await asyncio.sleep(0.1)

    def answers(self) -> Counter[tuple[int, bool]]:
        """Return how many requests had each status, and whether another process took them over."""
        found: Counter[tuple[int, bool]] = Counter()
        for line in self.access_log.read_text().splitlines():
            request = ujson.loads(line)
            found[request["status"], "," in request["server_status"]] += 1
        return found

    async def kill(self) -> None:
        """Kill all its processes."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def stop(self) -> None:
        """Stop it in order; does nothing twice."""
        self._signal(signal.SIGTERM)
        process, self._process = self._process, None
        if process is not None:
            await process.wait()

    @property
    def _command(self) -> list[str]:
        conf = str(self._folder / "nginx.conf")
        return [nginx_program(), "-e", "stderr", "-p", str(self._folder), "-c", conf]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


def servers_conf(name: str, ports: Sequence[int]) -> str:
    """Return a list of servers with these processes of this machine in place of its own."""
    lines = (DEPLOY / "nginx" / name).read_text().splitlines()
    servers = [line for line in lines if line.startswith("server ")]
    assert len(servers) == len(ports), f"{name} names {len(servers)} processes"
    return "".join(
        line.replace(line.split()[1], f"127.0.0.1:{port}") + "\n"
        for line, port in zip(servers, ports, strict=True)
    )
