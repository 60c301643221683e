"""The keys of a fresh installation: one for each scope, valid for every app, kept in the data
folder; and the demo's.
"""

import hmac
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import ujson

from spectraview.access.api_keys import SCOPES, ApiKeys, new_key_text

DEMO_APP = "demo"


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


async def make_demo_key(api_keys: ApiKeys, keys: Mapping[str, str]) -> str | None:
    """Return a key that can only write to the app `demo`; it follows from the ingest key, which it
    does not tell. None without an ingest key to begin with.
    """
    if "ingest" not in keys:
        return None
    derived = hmac.digest(keys["ingest"].encode(), b"spectraview demo", "sha256").hex()
    text = f"sv_ingest_{derived}"
    await api_keys.create("demo (made by serve)", text, ("ingest",), app_id=DEMO_APP)
    return text


def _write(path: Path, keys: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix="keys-")  # the owner's alone
    with os.fdopen(descriptor, "w") as file:
        file.write(ujson.dumps(keys, indent=2) + "\n")
    Path(unfinished).rename(path)
