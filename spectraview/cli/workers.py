"""Worker processes that share one listening socket: started, watched, replaced, stopped."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from socket import socket
from types import TracebackType
from typing import Self

from spectraview.config import Config, variable_name

logger = logging.getLogger(__name__)

READY = b"ready\n"
_START_SECONDS = 60.0
_STOP_MARGIN = 3.0
"""Seconds that a worker may stop later than it should before it is killed."""
_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


class WorkerFailed(Exception):
    """A worker did not start; its own words are on stderr."""


class Worker:
    """One process; it ends when this process does, since its standard input ends then."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, listener: socket, environment: Mapping[str, str]) -> Self:
        """Return a worker that serves. Raises WorkerFailed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "spectraview.cli.worker", str(listener.fileno())),
            stdin=PIPE,
            stdout=PIPE,
            env=environment,
            pass_fds=(listener.fileno(),),
            start_new_session=True,  # else Ctrl-C would reach it too
        )
        worker = cls(process)
        try:
            await worker._serves()
        except BaseException:
            await worker.kill()
            raise
        return worker

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Tell whether the process has not ended."""
        return self._process.returncode is None

    async def ended(self) -> int:
        """Return the exit code when the process has ended."""
        return await self._process.wait()

    async def stop(self, within: float, *, replaced: bool = False) -> None:
        """End it in order, but kill it after a time; one that is `replaced` needs no drain
        delay.
        """
        self._send(signal.SIGHUP if replaced else signal.SIGTERM)
        try:
            async with asyncio.timeout(within):
                await self.ended()
        except TimeoutError:
            logger.warning("worker %s did not stop within %s s: killed", self.pid, within)
            await self.kill()
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)
        await self.ended()

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _serves(self) -> None:
        assert self._process.stdout is not None, "it is a pipe"
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            raise WorkerFailed(f"A worker does not serve after {_START_SECONDS} s") from error
        if line != READY:
            raise WorkerFailed("A worker ended before it served")


class _Place:
    """Where there is always a worker: one that ends is followed by another."""

    def __init__(self, start: Callable[[], Awaitable[Worker]], first: Worker) -> None:
        self._start = start
        self._worker = first
        self._changing = asyncio.Lock()

    async def keep(self) -> None:
        """Start another worker whenever the one here has ended by itself."""
        while True:
            worker = self._worker
            code = await worker.ended()
            async with self._changing:
                if worker is self._worker:
                    logger.error("worker %s ended by itself, with code %s", worker.pid, code)
                    self._worker = await self._start_patiently()

    async def replace(self) -> Worker:
        """Start another worker and return the one that was here. Raises WorkerFailed."""
        async with self._changing:
            old = self._worker
            self._worker = await self._start()
            return old

    async def _start_patiently(self) -> Worker:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                return await self._start()
            except WorkerFailed as error:
                logger.error("%s; the next try follows in %s s", error, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class Workers:
    """Keeps a number of workers running; use as an async context manager, which raises WorkerFailed
    on entry.
    """

    def __init__(self, listener: socket, config: Config) -> None:
        self._listener = listener
        self._count = config.workers
        self._stop_seconds = config.drain_delay + config.shutdown_timeout + _STOP_MARGIN
        self._environment = os.environ | {
            variable_name("database_url"): config.database_url,
            variable_name("redis_url"): config.redis_url,
            variable_name("demo_key"): config.demo_key,
            variable_name("metrics_folder"): config.metrics_folder,
        }
        self._running: set[Worker] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._renewal = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            started = await self._start_all()
        except BaseException:
            await self._stop_all()
            raise
        places = [_Place(self._start, worker) for worker in started]
        self._tasks = [
            asyncio.create_task(place.keep(), name=f"keep-worker-{number}")
            for number, place in enumerate(places, 1)
        ]
        self._tasks.append(asyncio.create_task(self._renew(places), name="renew-workers"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stop_all()

    def renew(self) -> None:
        """Put a new worker in each one's place, one after another; each serves before the old one
        stops.
        """
        self._renewal.set()

    async def _renew(self, places: Sequence[_Place]) -> None:
        while True:
            await self._renewal.wait()
            self._renewal.clear()
            try:
                for place in places:
                    await self._stop(await place.replace(), replaced=True)
            except WorkerFailed as error:
                logger.error("%s; the old workers stay", error)
            else:
                logger.info("all workers are new")

    async def _start_all(self) -> list[Worker]:
        """Return the first workers. Raises WorkerFailed when one does not start."""
        starting = (self._start() for _ in range(self._count))
        results = await asyncio.gather(*starting, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, Worker)]

    async def _start(self) -> Worker:
        worker = await Worker.start(self._listener, self._environment)
        self._running = {known for known in self._running if known.runs} | {worker}
        return worker

    async def _stop(self, worker: Worker, *, replaced: bool = False) -> None:
        await worker.stop(self._stop_seconds, replaced=replaced)
        self._running.discard(worker)

    async def _stop_all(self) -> None:
        await asyncio.gather(*(self._stop(worker) for worker in self._running))
