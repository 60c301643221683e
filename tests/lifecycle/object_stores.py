"""Real object stores to archive to: SeaweedFS and moto speak S3, and there is a folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.faults.service import free_port

_PATIENCE = 60.0
_BUCKET = "recordings"


@dataclass(frozen=True, slots=True)
class ObjectStoreServer:
    """Where objects are kept, and what the environment has to say of it."""

    url: str
    environment: dict[str, str]
    program: "Program | None" = None
    """What runs it, where a program does."""

    def read(self, key: str) -> bytes:
        """Return an object of a server, as another client gets it."""
        address = f"{self.environment['AWS_ENDPOINT_URL']}/{_BUCKET}/spectra/{key}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            data: bytes = answer.read()
        return data


class Program:
    """The server's processes, that can be killed and started again."""

    def __init__(self, command: list[str], endpoint: str, log: IO[bytes]) -> None:
        self._command = command
        self._endpoint = endpoint
        self._log = log
        self._process = self._run()

    def start(self) -> None:
        """Start it and return when it answers."""
        if self._process.poll() is not None:
            self._process = self._run()
        _make_bucket(self._endpoint, self._process)

    def kill(self) -> None:
        """Kill it without a warning."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _run(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command, stdout=self._log, stderr=self._log, start_new_session=True
        )


@contextmanager
def seaweedfs() -> Iterator[ObjectStoreServer]:
    """Run SeaweedFS, a distributed object store, on this machine alone."""
    ports = {name: free_port() for name in ("s3", "filer", "master", "volume")}
    grpc = {f"{name}.port.grpc": free_port() for name in ports}
    with tempfile.TemporaryDirectory(prefix="spectraview-weed-") as folder:
        command = [str(Path(sys.executable).with_name("weed")), "server", f"-dir={folder}"]
        command += ["-ip=127.0.0.1", "-s3", "-master.volumeSizeLimitMB=64", "-volume.max=20"]
        # What listens on fixed ports would end a second one; and nobody is told that we test.
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        # Else a restart waits for 20 s, for other masters.
        command += ["-master.electionTimeout=1s", "-master.heartbeatInterval=200ms"]
        command += [f"-{name}.port={port}" for name, port in ports.items()]
        command += [f"-{name}={port}" for name, port in grpc.items()]
        with _running(command, f"http://127.0.0.1:{ports['s3']}") as server:
            yield server


@contextmanager
def moto() -> Iterator[ObjectStoreServer]:
    """Run moto, which answers as Amazon's S3 does."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, f"http://127.0.0.1:{port}") as server:
        yield server


@contextmanager
def folder() -> Iterator[ObjectStoreServer]:
    """Make a folder to archive to."""
    path = tempfile.mkdtemp(prefix="spectraview-archive-")
    try:
        yield ObjectStoreServer(f"file://{path}/objects", {})
    finally:
        shutil.rmtree(path)


@contextmanager
def _running(command: list[str], endpoint: str) -> Iterator[ObjectStoreServer]:
    with tempfile.TemporaryFile() as log:
        program = Program(command, endpoint, log)
        try:
            program.start()
            environment = {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "any",
                "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_REGION": "us-east-1",
            }
            yield ObjectStoreServer(f"s3://{_BUCKET}/spectra", environment, program)
        finally:
            program.kill()


def _make_bucket(endpoint: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        request = urllib.request.Request(f"{endpoint}/{_BUCKET}", method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == 409:
                return  # it is there from before
            assert process.poll() is None, "the object store ended by itself"
            assert time.monotonic() < until, "the object store does not answer"
            time.sleep(0.1)


def keys_in(server: ObjectStoreServer) -> list[str]:
    """Return the keys of all objects, as another client sees them."""
    if server.url.startswith("file:"):
        root = Path(server.url.removeprefix("file://"))
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    address = f"{server.environment['AWS_ENDPOINT_URL']}/{_BUCKET}?list-type=2&prefix=spectra/"
    with urllib.request.urlopen(address, timeout=10) as answer:
        found = re.findall(r"<Key>spectra/(.*?)</Key>", answer.read().decode())
    return sorted(found)
