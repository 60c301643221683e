"""The object store of the archive: S3, or a folder. The only file that knows obstore."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from spectraview.config import ConfigError
from spectraview.storage.codec import CorruptData
from spectraview.storage.database import DatabaseUnavailable

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

_WRITE_SECONDS = 300.0
_READ_SECONDS = 15.0
_PING_SECONDS = 2.0
_REMEMBER_SECONDS = 10.0
_NO_OBJECT = "spectraview-ping"

_Result = TypeVar("_Result")


class ObjectsUnavailable(DatabaseUnavailable):
    """The object store can't be reached; for who reads, an outage as PostgreSQL's."""


class ObjectMissing(CorruptData):
    """An object that should be in the object store is not there, or is not what was stored."""


class Objects:
    """Puts, gets and deletes objects, each in limited time."""

    def __init__(self, store: "LocalStore | S3Store", folder: Path | None) -> None:
        self._store = store
        self._folder = folder
        self._pinged: tuple[float, bool] | None = None

    async def put(self, key: str, data: bytes) -> None:
        """Store an object, on disk when this returns. Raises ObjectsUnavailable."""
        async with _limited(_WRITE_SECONDS):
            await _translated(key, self._store.put_async(key, data))
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder, key)

    async def get(self, key: str) -> bytes:
        """Return an object. Raises ObjectMissing and ObjectsUnavailable."""
        async with _limited(_READ_SECONDS):
            return await _translated(key, self._get(key))

    async def delete(self, key: str) -> None:
        """Delete an object; one that is not there is gone already. Raises ObjectsUnavailable."""
        if self._folder is not None:
            await _translated(key, asyncio.to_thread(_delete_unfinished, self._folder, key))
        try:
            async with _limited(_READ_SECONDS):
                await _translated(key, self._store.delete_async(key))
        except ObjectMissing:
            return

    async def list_sizes(self) -> dict[str, int]:
        """Return the bytes of all objects by their keys. Raises ObjectsUnavailable."""
        async with _limited(_WRITE_SECONDS):
            found = await _translated("", self._store.list().collect_async())
        return {entry["path"]: entry["size"] for entry in found}

    async def ping(self) -> bool:
        """Tell whether the object store answered now or some seconds ago."""
        now = asyncio.get_running_loop().time()
        if self._pinged is None or self._pinged[0] < now:
            self._pinged = (now + _REMEMBER_SECONDS, await self._answers())
        return self._pinged[1]

    async def _answers(self) -> bool:
        try:
            async with _limited(_PING_SECONDS):
                await _translated(_NO_OBJECT, self._store.head_async(_NO_OBJECT))
        except ObjectMissing:
            pass
        except ObjectsUnavailable:
            return False
        return True

    async def _get(self, key: str) -> bytes:
        found = await self._store.get_async(key)
        return bytes(await found.bytes_async())


def open_objects(url: str) -> Objects | None:
    """Return the object store at an address, None for an empty one; asks it nothing yet.

    Raises ConfigError when the address, or what AWS_* say of it, can't be used.
    """
    if not url:
        return None
    # Takes 20 ms and 10 MB, which only who has an archive need pay.
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, S3Store

    try:
        if url.startswith("file:"):
            folder = Path(unquote(urlsplit(url).path))
            return Objects(LocalStore(folder, mkdir=True, automatic_cleanup=True), folder)
        store = S3Store.from_url(
            url,
            client_options={
                "timeout": timedelta(seconds=60),
                "connect_timeout": timedelta(seconds=3),
                "allow_http": _plain_http(),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=10)},
        )
    except (BaseError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"ARCHIVE_URL can't be used: {reason}.") from error
    return Objects(store, None)


def _plain_http() -> bool:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
    return allowed or endpoint.startswith("http://")


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ObjectsUnavailable(f"the object store took more than {seconds:g} s") from error


async def _translated(key: str, call: Awaitable[_Result]) -> _Result:
    """Return what a call of obstore does, or raise our errors for its."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        return await call
    except (NotFoundError, FileNotFoundError) as error:
        raise ObjectMissing(f"the object {key} is missing") from error
    except (BaseError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ObjectsUnavailable(f"the object store: {reason}") from error


def _delete_unfinished(folder: Path, key: str) -> None:
    """Delete what obstore was writing of a file, behind a `#`, when its process died."""
    path = folder / key
    left = list(path.parent.glob(f"{path.name}#*"))
    for unfinished in left:
        unfinished.unlink(missing_ok=True)
    if left:
        with suppress(OSError):  # not empty, or gone
            for empty in (path.parent, *path.parent.parents):
                if empty == folder:
                    return
                empty.rmdir()


def _sync(folder: Path, key: str) -> None:
    """Bring a file and its folders to the disk: obstore leaves that to the system."""
    path = folder / key
    for synced in (path, *path.parents):
        descriptor = os.open(synced, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if synced == folder:
            return
