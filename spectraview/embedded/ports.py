"""Free ports of the loopback interface."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from spectraview.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"
ATTEMPTS = 3

Started = TypeVar("Started")


def start_on_free_port(start: Callable[[int], Started]) -> Started:
    """Start a server on a free port, again on another if someone else took that one first."""
    for _ in range(ATTEMPTS - 1):
        port = _free_port()
        try:
            return start(port)
        except EmbeddedError:
            if _is_free(port):
                raise
    return start(_free_port())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind((LOOPBACK, port))
        return True
    return False
