"""The load's own process, so that measuring does not hold it up."""

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal
from uuid import UUID

from bench.capacity_load import Loaded, LoadPlan, OpenLoad
from bench.errors import BenchError
from bench.target import Target
from bench.viewers import allow_files


@dataclass(frozen=True, slots=True)
class Failed:
    """The load cannot go on."""

    message: str


Moment = Literal["warm", "posted"]


def generate(link: Connection, target: Target, plan: LoadPlan) -> None:
    """Run a plan; the main function of the process.

    Tells through the link which sessions were started, waits to be told to go on, tells when the
    measured time begins and ends, and what became of the batches; then ends the sessions if it is
    told to.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    try:
        allow_files(plan.sessions)
        asyncio.run(_generate(link, target, plan))
    except* (BenchError, OSError, EOFError) as errors:
        with suppress(OSError):  # who started us may have gone
            link.send(Failed("; ".join(map(str, errors.exceptions))))


async def _generate(link: Connection, target: Target, plan: LoadPlan) -> None:
    load = OpenLoad(target, plan)
    await load.start()
    link.send(load.session_ids)
    await asyncio.to_thread(link.recv)
    posting = asyncio.create_task(load.post(), name="load")
    await asyncio.sleep(plan.warm_up)
    link.send("warm")
    await posting
    link.send("posted")
    await load.settle()
    link.send(load.loaded)
    await asyncio.to_thread(link.recv)
    await load.end_sessions()
    load.close()
    link.send("ended")


class Generator:
    """The other end of the link."""

    def __init__(self, link: Connection, plan: LoadPlan) -> None:
        self._link = link
        self._timeout = plan.warm_up + plan.seconds + 120

    def started(self) -> list[UUID]:
        """Return the sessions once they are started. Raises BenchError."""
        session_ids: list[UUID] = self._receive()
        return session_ids

    def go(self) -> None:
        """Let the load begin."""
        self._link.send("go")

    def wait_for(self, moment: Moment) -> None:
        """Return when the measured time begins or ends. Raises BenchError."""
        told = self._receive()
        assert told == moment, "the load tells its moments in order"

    def loaded(self) -> Loaded:
        """Return what became of the batches. Raises BenchError."""
        loaded: Loaded = self._receive()
        return loaded

    def end_sessions(self) -> None:
        """End the sessions. Raises BenchError."""
        self._link.send("end")
        self._receive()

    def _receive(self) -> Any:
        try:
            report = self._link.recv() if self._link.poll(self._timeout) else None
        except EOFError:
            report = None
        if report is None:
            raise BenchError("The load does not answer")
        if isinstance(report, Failed):
            raise BenchError(report.message)
        return report


@contextmanager
def running_generator(target: Target, plan: LoadPlan) -> Iterator[Generator]:
    """Run a load in a process of its own."""
    context = multiprocessing.get_context("spawn")
    link, theirs = context.Pipe()
    process = context.Process(target=generate, args=(theirs, target, plan), name="load")
    process.start()
    theirs.close()
    try:
        yield Generator(link, plan)
    finally:
        link.close()
        process.terminate()
        process.join()
