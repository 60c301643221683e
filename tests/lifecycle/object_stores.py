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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.service import free_port

_PATIENCE = 60.0
_BUCKET = "recordings"


@dataclass(frozen=True, slots=True)
class ObjectStoreServer:
    """Where objects are kept, and what the environment has to say of it."""

    url: str
    environment: dict[str, str]


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
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            _make_bucket(endpoint, process)
            environment = {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "any",
                "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_REGION": "us-east-1",
            }
            yield ObjectStoreServer(f"s3://{_BUCKET}/spectra", environment)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _make_bucket(endpoint: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        request = urllib.request.Request(f"{endpoint}/{_BUCKET}", method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError:
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
