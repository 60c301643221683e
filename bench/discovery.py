"""Finds the processes of a server on this machine: who listens, and what they are connected to."""

import os
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from bench.processes import BENCHMARK, PROC, ProcessGroups, read_processes, tree_of
from bench.target import Target

APP = "app"
_STORES = {
    "postgres": "PostgreSQL",
    "postmaster": "PostgreSQL",
    "redis-server": "Redis",
    "valkey-server": "Redis",
}
_PROXY = "docker-proxy"
_ESTABLISHED = "01"
_LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class _Socket:
    local_port: int
    remote_port: int
    state: str


_Sockets = Mapping[int, _Socket]
_Owners = Mapping[int, Set[int]]


def find_processes(target: Target) -> ProcessGroups:
    """Return the groups that were named, or else those found for a server on this machine; and us.

    Stores are found by the app's open connections: look once it has been at work.
    """
    found = {name: frozenset({pid}) for name, pid in target.process_ids.items()}
    return processes_with_us(found or (find_roots(target.port) if target.is_local() else {}))


def processes_with_us(roots: Mapping[str, frozenset[int]]) -> ProcessGroups:
    """Return groups of processes, and us; none where there is no /proc."""
    if not PROC.joinpath("self/stat").exists():
        return ProcessGroups({})
    return ProcessGroups({**roots, BENCHMARK: frozenset({os.getpid()})})


def find_roots(port: int) -> dict[str, frozenset[int]]:
    """Return the server that listens on a port and its stores, by the roots of their processes."""
    sockets = _read_sockets()
    owners = dict(_read_owners(sockets.keys()))
    listeners = _listeners(sockets, owners)
    processes = read_processes()
    app = tree_of(processes, listeners.get(port, ()))
    if not app or any(processes[member].name == _PROXY for member in app):
        return {}
    groups: dict[str, set[int]] = {APP: set(listeners[port])}
    for process_id in app | _connected(app, sockets, owners, listeners):
        name = _STORES.get(processes[process_id].name) if process_id in processes else None
        if name is not None:
            groups.setdefault(name, set()).add(process_id)
            groups[APP].discard(process_id)
    return {name: frozenset(roots) for name, roots in groups.items()}


def _listeners(sockets: _Sockets, owners: _Owners) -> dict[int, set[int]]:
    """Return who listens on each port."""
    found: dict[int, set[int]] = {}
    for process_id, inodes in owners.items():
        for inode in inodes:
            if sockets[inode].state == _LISTENING:
                found.setdefault(sockets[inode].local_port, set()).add(process_id)
    return found


def _connected(
    app: Set[int], sockets: _Sockets, owners: _Owners, listeners: Mapping[int, Set[int]]
) -> set[int]:
    """Return who listens on the ports of this machine that the app is connected to."""
    return {
        listener
        for member in app
        for inode in owners.get(member, ())
        if sockets[inode].state == _ESTABLISHED
        for listener in listeners.get(sockets[inode].remote_port, ())
    }


def _read_sockets() -> dict[int, _Socket]:
    """Return the TCP sockets of this machine by their inodes."""
    found = {}
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state, *_, inode = line.split()[:10]
            found[int(inode)] = _Socket(_port_of(local), _port_of(remote), state)
    return found


def _port_of(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _read_owners(sockets: Set[int]) -> Iterator[tuple[int, Set[int]]]:
    """Yield each process that we may look into, with the sockets that it holds."""
    for folder in PROC.glob("[0-9]*/fd"):
        try:
            descriptors = list(folder.iterdir())
        except OSError:  # another user's process, or gone meanwhile
            continue
        yield int(folder.parent.name), sockets & set(map(_inode_of, descriptors))


def _inode_of(descriptor: Path) -> int:
    """Return the inode of a socket's descriptor, 0 for any other."""
    try:
        kind, _, inode = str(descriptor.readlink()).partition("socket:[")
    except OSError:  # closed meanwhile
        return 0
    return int(inode[:-1]) if inode and not kind else 0
