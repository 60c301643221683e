"""The keys of a fresh installation: one for each scope, valid for every app, kept in the data
folder; and the demo's.
"""

import asyncio
import hmac
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import ujson

from spectraview.access.api_keys import SCOPES, ApiKeys, new_key_text

logger = logging.getLogger(__name__)

DEMO_APP = "demo"
_Scope = Literal["ingest", "read", "admin"]


class KeyFileError(Exception):
    """keys.json can't be read or written; the message says why."""


async def load_or_create_keys(api_keys: ApiKeys, data_dir: Path) -> dict[str, str]:
    """Return the keys of `keys.json` by scope, made at the first start; the database is made to
    know them.
    """
    keys = await asyncio.to_thread(_load_or_write, data_dir / "keys.json")
    for scope, text in keys.items():
        made = await api_keys.create(f"{scope} (keys.json)", text, (scope,))
        if made is None and await api_keys.find(text) is None:
            logger.warning(
                "the %s key of keys.json was revoked or rotated and opens nothing", scope
            )
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


def _load_or_write(path: Path) -> dict[str, str]:
    try:
        if not path.exists():
            _write(path, {scope: new_key_text((scope,)) for scope in SCOPES})
        keys = msgspec.json.decode(path.read_bytes(), type=dict[_Scope, str])
    except OSError as error:
        raise KeyFileError(f"{path} can't be used: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise KeyFileError(
            f"{path} is damaged: {error}. Restore it, or delete it to have new keys made."
        ) from error
    return {str(scope): text for scope, text in keys.items()}


def _write(path: Path, keys: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix="keys-")  # the owner's alone
    with os.fdopen(descriptor, "w") as file:
        file.write(ujson.dumps(keys, indent=2) + "\n")
    Path(unfinished).rename(path)
