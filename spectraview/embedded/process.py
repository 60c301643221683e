"""A server as our child process: started, waited for, stopped."""

import functools
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from spectraview.embedded.account import Account
from spectraview.embedded.errors import EmbeddedError

logger = logging.getLogger(__name__)

ENVIRONMENT = {"PATH": os.defpath, "TZ": "UTC", "LC_ALL": "C"}
START_SECONDS = 60
STOP_SECONDS = 30
LOG_BYTES = 10_000_000

Command = Sequence[str | Path]


def run_program(
    command: Command, account: Account | None, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end under the account, with its output and errors as one text."""
    return subprocess.run(
        command,
        input=text or "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        user=None if account is None else account.user_id,
        group=None if account is None else account.group_id,
        extra_groups=None if account is None else (),
    )


class ServerProcess:
    """A server that runs as our child and logs to a file."""

    def __init__(
        self, name: str, command: Command, directory: Path, log: Path, account: Account | None
    ) -> None:
        self._name = name
        self._command = command
        self._directory = directory
        self._log = log
        self._account = account
        self._ready: Callable[[], bool] = lambda: True
        self._log_start = 0
        self._process = self._spawn()

    @property
    def name(self) -> str:
        """The name of the server."""
        return self._name

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def revive(self) -> bool:
        """Start the server again if it has ended by itself; tell whether it had."""
        if self._process.poll() is None:
            return False
        self._process = self._spawn()
        self.wait_until(self._ready)
        return True

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until the server is ready; stop it if it never is."""
        self._ready = ready
        deadline = time.monotonic() + START_SECONDS
        try:
            while not ready():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise EmbeddedError(f"{self._name} did not start: {self._last_words()}")
                time.sleep(0.01)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and wait until it has ended."""
        # Both servers end on SIGINT at once and in order, whoever is still connected.
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not stop within %s s: killed", self._name, STOP_SECONDS)
            self._process.kill()
            self._process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        _rotate(self._log)
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        account = self._account
        with self._log.open("ab") as output:
            self._log.chmod(0o600)
            return subprocess.Popen(
                [*_bound_to_parent(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._directory,
                env=ENVIRONMENT,
                start_new_session=True,  # else Ctrl-C would stop the servers before the application
                user=None if account is None else account.user_id,
                group=None if account is None else account.group_id,
                extra_groups=None if account is None else (),
            )

    def _last_words(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-5:]) or "it ended without a word."


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def _bound_to_parent() -> Command:
    # Linux sends the signal when the thread that started the child ends, not the process: a server
    # started in a worker thread would go down with it.
    if threading.current_thread() is not threading.main_thread():
        return ()
    return _set_death_signal()


@functools.cache
def _set_death_signal() -> Command:
    setpriv = shutil.which("setpriv", path=os.defpath)
    if setpriv is None:
        return ()
    command = (setpriv, "--pdeathsig", "INT", "--")
    return command if run_program([*command, "true"], None).returncode == 0 else ()
