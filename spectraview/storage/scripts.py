"""The Lua scripts of storage/lua: many commands of Redis for the price of one."""

import hashlib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the SHA-1 under which Redis remembers it."""

    source: str
    sha: str


def _load(name: str) -> Script:
    folder = resources.files("spectraview.storage").joinpath("lua")
    source = folder.joinpath(f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


ANNOUNCE = _load("announce")
USE = _load("use")
SPEND = _load("spend")
SCRIPTS = (ANNOUNCE, USE, SPEND)
