"""The data folder: where it is, who may use it, and its lock."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from spectraview.embedded.account import UNPRIVILEGED_USER, Account
from spectraview.embedded.errors import EmbeddedError

OUR_FILES = frozenset({"keys.json", "lock"})


def default_data_dir() -> Path:
    """Return the data folder of who runs us."""
    if os.geteuid() == 0:
        return Path("/var/lib/spectraview")
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if data_home.is_absolute():
        return data_home / "spectraview"
    try:
        return Path.home() / ".local/share/spectraview"
    except RuntimeError as error:
        raise EmbeddedError("This user has no home folder: name a data folder.") from error


def prepare_data_dir(data_dir: Path, account: Account | None) -> Path:
    """Make the data folder where it is missing, and refuse one that we cannot use."""
    try:
        folder = data_dir.resolve()
        if account is not None:
            _check_way_to(folder, account)
        _make_folders(folder, 0o700 if account is None else 0o711)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise EmbeddedError(f"The data folder {data_dir} cannot be made: {reason}.") from error
    if not folder.is_dir():
        raise EmbeddedError(f"The data folder {folder} is not a folder.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise EmbeddedError(f"The data folder {folder} is not writable.")
    if account is not None:
        _admit(folder, account)
    return folder


@contextmanager
def locked_data_dir(folder: Path) -> Iterator[None]:
    """Keep every other SpectraView out of the data folder."""
    # Children do not inherit the file, so the lock goes with this process however it ends.
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        _lock(file, folder)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: TextIO, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read() or "unknown"
        raise EmbeddedError(
            f"The data folder {folder} is already used by another SpectraView (process {owner})."
        ) from error


def _make_folders(folder: Path, mode: int) -> None:
    for path in reversed((folder, *folder.parents)):
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(mode)  # mkdir's own mode is subject to the umask


def _check_way_to(folder: Path, account: Account) -> None:
    for path in folder.parents:
        if path.is_dir() and not _may_enter(path, account):
            raise EmbeddedError(
                f"The user {UNPRIVILEGED_USER}, who runs the database for root, cannot enter "
                f"{path}: name a data folder outside of it."
            )


def _admit(folder: Path, account: Account) -> None:
    if _may_enter(folder, account):
        return
    # An empty private folder (of mktemp, say) was made for us. Another's is not ours to open.
    names = {path.name for path in folder.iterdir()}
    if names and names.isdisjoint(OUR_FILES):
        raise EmbeddedError(
            f"The user {UNPRIVILEGED_USER}, who runs the database for root, cannot enter {folder}: "
            "name an empty data folder."
        )
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)


def _may_enter(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.user_id:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.group_id:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
