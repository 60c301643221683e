"""Shares the metrics of the processes that serve one address: each writes its snapshot to a folder
now and then, and the one that is asked adds them up.

A process that has ended leaves its counts behind: a sum that went down would look like a restart.
"""

import asyncio
import fcntl
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec

from spectraview.exposition.process import add_process
from spectraview.exposition.snapshot import Snapshot, merged

logger = logging.getLogger(__name__)

_INTERVAL = 2.0
_SILENT_SECONDS = 15.0
"""After so long without a snapshot a process counts as ended: it may run in another container."""
_RETIRED = "retired.json"
_decode = msgspec.json.Decoder(Snapshot).decode


class SharedMetrics:
    """This process's place among those that share a folder; None: it is alone."""

    def __init__(self, folder: Path | None, read: Callable[[], Snapshot]) -> None:
        self._folder = folder
        self._read = read
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}.json"

    @asynccontextmanager
    async def sharing(self) -> AsyncIterator[None]:
        """Write snapshots while the context lasts, and a last one that says it is the last."""
        if self._folder is None:
            yield
            return
        await asyncio.to_thread(_fold, self._folder)
        await asyncio.to_thread(_write, self._folder, self._name, self._read())
        task = asyncio.create_task(self._write_often(self._folder), name="share-metrics")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            last = self._read()
            last.ended = True
            await asyncio.to_thread(_write, self._folder, self._name, last)

    async def collect(self) -> Snapshot:
        """Return this process's values together with the others' last ones."""
        own = self._read()
        return await asyncio.to_thread(self._with_others, own)

    def _with_others(self, own: Snapshot) -> Snapshot:
        add_process(own)
        if self._folder is None:
            return merged([own])
        with _locked(self._folder):
            others = [_state(path) for path in _files(self._folder) if path.name != self._name]
        return merged([own, *filter(None, others)])

    async def _write_often(self, folder: Path) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            await asyncio.to_thread(_write, folder, self._name, self._read())


def _write(folder: Path, name: str, snapshot: Snapshot) -> None:
    if not snapshot.ended:
        add_process(snapshot)
    path = folder / name
    fresh = path.with_suffix(".new")
    with suppress(OSError):  # a full disk must not stop what serves
        fresh.write_bytes(msgspec.json.encode(snapshot))
        fresh.replace(path)


def _fold(folder: Path) -> None:
    """Put the counts of all that have ended into one file, so that the files do not pile up."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        ended = {path: state for path in _files(folder) if (state := _state(path)) and state.ended}
        if ended:
            _write(folder, _RETIRED, merged(ended.values()).retired())
        for path in ended:
            if path.name != _RETIRED:
                path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _state(path: Path) -> Snapshot | None:
    """Return a process's last snapshot, of one that has ended only the counts."""
    try:
        snapshot = _decode(path.read_bytes())
        silent = time.time() - path.stat().st_mtime
    except OSError:
        return None  # it was folded meanwhile
    except msgspec.DecodeError as error:
        logger.warning("the metrics in %s can't be read: %s", path, error)
        return None
    if snapshot.ended or silent > _SILENT_SECONDS or not _runs(path):
        return snapshot.retired()
    return snapshot


def _runs(path: Path) -> bool:
    pid = path.name.partition("-")[0]
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let nobody else fold or add up meanwhile."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
