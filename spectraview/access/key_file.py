"""The keys of a fresh installation: one for each scope, valid for every app, kept in the data
folder.
"""

import os
import tempfile
from pathlib import Path

import ujson

from spectraview.access.api_keys import SCOPES, ApiKeys, new_key_text


async def load_or_create_keys(api_keys: ApiKeys, data_dir: Path) -> dict[str, str]:
    """Return the keys of `keys.json` by scope, made at the first start; the database is made to
    know them.
    """
    path = data_dir / "keys.json"
    if not path.exists():
        _write(path, {scope: new_key_text((scope,)) for scope in SCOPES})
    keys: dict[str, str] = ujson.loads(path.read_text())
    for scope, text in keys.items():
        await api_keys.create(f"{scope} (keys.json)", text, (scope,))
    return keys


def _write(path: Path, keys: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix="keys-")  # the owner's alone
    with os.fdopen(descriptor, "w") as file:
        file.write(ujson.dumps(keys, indent=2) + "\n")
    Path(unfinished).rename(path)
