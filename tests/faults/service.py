"""SpectraView as a process of its own, started as its user would, killed and started again."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import ujson

_PROJECT = Path(__file__).parents[2]
_START_SECONDS = 60
_STOP_SECONDS = 30
_TELL_ATTEMPTS = 200


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NotServed(Exception):
    """The service ended before it served."""


class Service:
    """One `spectraview serve`, always on the same port and data folder."""

    def __init__(
        self,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        log: Path | None = None,
        tasks_file: Path | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.log = log
        self._tasks_file = tasks_file
        self.port = free_port()
        self._environment = {
            **os.environ,
            "SPECTRAVIEW_RATE_LIMIT_INGEST": "1000000",
            "SPECTRAVIEW_RATE_LIMIT_READ": "1000000",
            **(settings or {}),
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Return where the service answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> dict[str, str]:
        """Return the keys that the service made at its first start."""
        keys: dict[str, str] = ujson.loads((self.data_dir / "keys.json").read_text())
        return keys

    async def start(self) -> None:
        """Start the service and return when it serves."""
        environment = self._environment
        program: tuple[str, ...] = ("spectraview",)
        if self._tasks_file is not None:
            environment = environment | {"PYTHONPATH": str(_PROJECT)}
            program = ("tests.faults.watched_service", str(self._tasks_file))
        command = (sys.executable, "-m", *program, "serve", "--port", str(self.port))
        with ExitStack() as opened:
            log = opened.enter_context(self.log.open("ab")) if self.log else None
            process = await asyncio.create_subprocess_exec(
                *command,
                "--data-dir",
                str(self.data_dir),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._process = process
        assert process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            while b"serves" not in (line := await process.stdout.readline()):
                if not line:
                    await self.kill()
                    raise NotServed

    async def run(self, *command: str) -> tuple[int, str]:
        """Run a command with the service's settings; return its exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "spectraview", *command, "--data-dir", str(self.data_dir)),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process is not None, "the service does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether the service was started and not ended again."""
        return self._process is not None

    def sockets(self) -> int:
        """Return how many sockets the service has open."""
        found = 0
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found += os.readlink(entry).startswith("socket:")
        return found

    async def tasks(self) -> Counter[str]:
        """Return how many tasks of each name the service has now; it needs a `tasks_file`."""
        assert self._tasks_file is not None, "the service does not tell its tasks"
        self._tasks_file.unlink(missing_ok=True)
        self.send_signal(signal.SIGUSR1)
        for _ in range(_TELL_ATTEMPTS):
            await asyncio.sleep(0.05)
            if self._tasks_file.exists():
                return Counter(self._tasks_file.read_text().splitlines())
        raise TimeoutError("the service does not tell its tasks")

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal at once; a service that has ended does not mind."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def kill(self) -> None:
        """Kill the service without a warning."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Stop the service in order and return its exit code; does nothing twice."""
        return await self._end(signal.SIGTERM)

    async def ended(self) -> int:
        """Return the exit code when the service has ended by itself, or by a signal sent before."""
        return await self._end(None)

    async def _end(self, how: signal.Signals | None) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if how is not None:
            with suppress(ProcessLookupError):
                process.send_signal(how)
        async with asyncio.timeout(_STOP_SECONDS):
            await process.communicate()
        assert process.returncode is not None
        return process.returncode

    def stop_database_at_once(self) -> None:
        """Make the embedded PostgreSQL quit without a shutdown, as after a crash."""
        pid = (self.data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()[0]
        os.kill(int(pid), signal.SIGQUIT)
