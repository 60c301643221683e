"""What a connection may take of the process."""

import resource
from contextlib import suppress
from dataclasses import dataclass

from spectraview.config import Config

_OWN_FILES = 256
"""Open files beside the clients' connections: those to the stores, the archive's, the listener."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds on the connections of one process; a number of 0 is no bound."""

    connections: int
    of_one_address: int
    head_timeout: float
    answer_timeout: float
    least_rate: int

    @property
    def least_taken(self) -> float:
        """Return the bytes that a client takes within the time for an answer, at the least."""
        return self.least_rate * self.answer_timeout


def limits_of(config: Config) -> ConnectionLimits:
    """Return the bounds of the settings; behind a proxy all clients have its address."""
    return ConnectionLimits(
        connections=min(config.max_connections, max(_open_files() - _OWN_FILES, 1)),
        of_one_address=0 if config.trust_forwarded else config.max_address_connections,
        head_timeout=config.head_timeout,
        answer_timeout=config.answer_timeout,
        least_rate=config.least_rate,
    )


def allow_open_files(connections: int) -> int:
    """Let the process open the files for so many connections, as far as the system lets it; return
    how many connections there is room for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):  # macOS allows less than its hard limit says
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    return max(_open_files() - _OWN_FILES, 1)


def _open_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else soft
