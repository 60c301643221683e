"""A SpectraView of its own that is fuzzed, with sessions that have recordings, and its use of the
machine.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg2
from aiohttp import ClientSession

from tests.faults.service import Service
from tests.recordings import batch_body, batches_of, load_recording

SPARED_USER = "spared"
_SESSIONS = 4


@dataclass(frozen=True, slots=True)
class Use:
    """What a service holds of the machine."""

    resident_mb: float
    descriptors: int
    tasks: int
    database_connections: int

    def __str__(self) -> str:
        return (
            f"{self.resident_mb:.0f} MB resident, {self.descriptors} descriptors, "
            f"{self.tasks} tasks, {self.database_connections} connections to PostgreSQL"
        )


@dataclass(frozen=True, slots=True)
class FuzzedService:
    """The running service, its sessions, and its log."""

    service: Service
    database_url: str
    sessions: tuple[UUID, ...]
    log: Path

    async def use(self) -> Use:
        """Return what the service holds now."""
        return Use(
            resident_mb=_resident_mb(self.service.pid),
            descriptors=len(os.listdir(f"/proc/{self.service.pid}/fd")),
            tasks=(await self.service.tasks()).total(),
            database_connections=_count_connections(self.database_url),
        )

    def alarms(self) -> list[str]:
        """Return the lines of the log that tell of faults."""
        alarms = (" ERROR ", "Traceback", "never retrieved", "was destroyed", "Unclosed")
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if any(alarm in line for alarm in alarms)]


@asynccontextmanager
async def fuzzed_service(
    folder: Path, database_url: str, redis_url: str
) -> AsyncIterator[FuzzedService]:
    """Start a service on these servers, with sessions, and stop it in the end."""
    log = folder / "log"
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    service = Service(folder, settings, log=log, tasks_file=folder / "tasks")
    await service.start()
    try:
        sessions = tuple([await _record(service, number) for number in range(_SESSIONS)])
        yield FuzzedService(service, database_url, sessions, log)
    finally:
        await service.stop()


async def _record(service: Service, number: int) -> UUID:
    """Store a recording, every other one ended."""
    session_id, events = uuid4(), load_recording("todo-small")
    path = f"/api/sessions/{session_id}"
    headers = {"X-API-Key": service.keys["admin"]}
    async with ClientSession(service.url, headers=headers, raise_for_status=True) as http:
        for batch in batches_of(events):
            await http.post(f"{path}/events", json=batch_body(batch, userId=SPARED_USER))
        if number % 2:
            await http.post(f"{path}/end")
    return session_id


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1024


def _count_connections(url: str) -> int:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            (count,) = cursor.fetchone() or (0,)
            return int(count)
    finally:
        connection.close()
