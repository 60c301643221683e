"""A Valkey Cluster of three masters on this machine, with a replica each where it is wanted."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import redis
from redis.crc import key_slot

from spectraview.embedded.process import ServerProcess
from spectraview.embedded.programs import VALKEY, program_path

MASTERS = 3
_SLOTS = 16_384
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
cluster-port {bus_port}
cluster-enabled yes
cluster-node-timeout 2000
repl-diskless-sync-delay 0
cluster-require-full-coverage no
requirepass {password}
masterauth {password}
save ""
appendonly no
"""
_PASSWORD = "for-the-tests"


class ValkeyCluster:
    """Its masters can be killed, and slots moved from one to another. With replicas, that of master
    `number` is node `number + MASTERS`.
    """

    def __init__(self, folder: Path, *, replicas: bool = False) -> None:
        self._folder = folder
        self._program = program_path(VALKEY, folder, None)
        self.ports = [_free_port() for _ in range(MASTERS * (1 + replicas))]
        self._processes = [self._start(number) for number in range(len(self.ports))]
        self._join()
        self._replicate()

    @property
    def url(self) -> str:
        """Return the addresses of two of the masters: the third is to be found."""
        return ",".join(self._url(number) for number in (0, 1))

    def client(self, number: int) -> redis.Redis:
        """Return a client of one node."""
        return redis.Redis.from_url(self._url(number))

    def master_of(self, session_id: UUID) -> int:
        """Return which master a session's keys were given to at first."""
        return key_slot(str(session_id).encode()) * MASTERS // _SLOTS

    def session_on(self, number: int) -> UUID:
        """Return an id whose keys lie on a master."""
        return next(i for i in iter(uuid4, None) if self.master_of(i) == number)

    def kill(self, number: int) -> None:
        """Kill a master."""
        os.kill(self._processes[number].pid, signal.SIGKILL)

    def restart(self, number: int) -> None:
        """Start a killed master again, empty, and wait until the cluster takes it back."""
        assert self._processes[number].revive()
        self._wait_for_agreement()

    def has_failed_over(self, number: int) -> bool:
        """Tell whether all others take the replica of a killed master for the master."""
        others = (other for other in range(len(self.ports)) if other != number)
        return all(self.ports[number + MASTERS] in self._masters(other) for other in others)

    def move_slot(self, session_id: UUID, target: int) -> None:
        """Move the slot of a session's keys to another master, with what is in it."""
        slot, source = key_slot(str(session_id).encode()), self.master_of(session_id)
        with self.client(source) as here, self.client(target) as there:
            names = [client.execute_command("CLUSTER", "MYID") for client in (here, there)]
            there.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
            here.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])
            keys = here.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
            if keys:
                address = ("127.0.0.1", self.ports[target], "", 0, 5000)
                here.execute_command("MIGRATE", *address, "AUTH", _PASSWORD, "KEYS", *keys)
            for client in (there, here):
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[1])

    def stop(self) -> None:
        """Stop all nodes."""
        for process in self._processes:
            process.stop()

    def _url(self, number: int) -> str:
        return f"redis://:{_PASSWORD}@127.0.0.1:{self.ports[number]}/0"

    def _start(self, number: int) -> ServerProcess:
        folder = self._folder / f"master-{number}"
        folder.mkdir()
        settings = {"port": self.ports[number], "bus_port": _free_port(), "password": _PASSWORD}
        (folder / "valkey.conf").write_text(_CONFIGURATION.format(**settings))
        process = ServerProcess(
            "Valkey",
            [self._program, "valkey.conf"],
            directory=folder,
            log=self._folder / f"master-{number}.log",
            account=None,
        )
        process.wait_until(lambda: self._answers(number))
        return process

    def _answers(self, number: int) -> bool:
        try:
            with self.client(number) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _join(self) -> None:
        for number in range(len(self.ports)):
            first, last = (-(-_SLOTS * n // MASTERS) for n in (number, number + 1))
            with self.client(number) as client:
                if number < MASTERS:
                    client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
                if number:
                    bus_port = self._bus_port(0)
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], bus_port)
        self._wait_for_agreement()

    def _replicate(self) -> None:
        for number in range(MASTERS, len(self.ports)):
            with self.client(number - MASTERS) as master, self.client(number) as replica:
                name = master.execute_command("CLUSTER", "MYID")
                replica.execute_command("CLUSTER", "REPLICATE", name)
        for number, process in enumerate(self._processes):
            process.wait_until(partial(self._is_replicated, number))

    def _bus_port(self, number: int) -> int:
        text = (self._folder / f"master-{number}" / "valkey.conf").read_text()
        return int(text.split("cluster-port ")[1].split()[0])

    def _wait_for_agreement(self) -> None:
        for number, process in enumerate(self._processes):
            process.wait_until(partial(self._is_whole, number))

    def _is_whole(self, number: int) -> bool:
        try:
            with self.client(number) as client:
                told = str(client.execute_command("CLUSTER", "INFO"))
        except redis.RedisError:
            return False
        state = told.split("cluster_state")[1][:8]
        return "fail" not in state and len(self._slots(number)) >= MASTERS

    def _is_replicated(self, number: int) -> bool:
        """Tell whether a node knows all replicas, and has its master's data if it is one."""
        try:
            with self.client(number) as client:
                is_fed = client.info("replication").get("master_link_status", "up") == "up"
            nodes = sum(len(nodes) for _, _, *nodes in self._slots(number))
        except redis.RedisError:
            return False
        return is_fed and nodes == len(self.ports)

    def _masters(self, number: int) -> set[int]:
        return {master[1] for _, _, master, *_ in self._slots(number)}

    def _slots(self, number: int) -> list[list[Any]]:
        with self.client(number) as client:
            return list(client.execute_command("CLUSTER", "SLOTS"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_cluster(folder: Path, *, replicas: bool = False) -> Iterator[ValkeyCluster]:
    """Run a cluster while the context lasts."""
    cluster = ValkeyCluster(folder, replicas=replicas)
    try:
        yield cluster
    finally:
        cluster.stop()


@asynccontextmanager
async def away(cluster: ValkeyCluster, number: int) -> AsyncIterator[None]:
    """Kill a master for as long as the context lasts."""
    cluster.kill(number)
    try:
        yield
    finally:
        await asyncio.to_thread(cluster.restart, number)
