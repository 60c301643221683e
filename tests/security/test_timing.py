"""How long an answer takes tells nothing of a key, and trying keys slows nobody down."""

import asyncio
import statistics
import time
from uuid import uuid4

import pytest

from spectraview.access import api_keys as access
from spectraview.access.api_keys import ApiKeys, new_key_text
from spectraview.access.key import key_hash
from spectraview.storage.database import Database
from tests.conftest import KEYS

_TRIES = 150


async def test_keys_are_found_by_their_hashes_alone(database: Database) -> None:
    # A text is never compared with a text: what an index could tell of is its SHA-256, and a
    # client that knows the first bytes of a hash knows nothing of the key.
    good = new_key_text(("read",))
    near = good[:-1] + ("a" if good[-1] != "a" else "b")
    shared = [a == b for a, b in zip(key_hash(good), key_hash(near), strict=True)]
    assert sum(shared) < 8
    rows = await database.fetch_all("SELECT a::text FROM api_keys a")
    assert not [text for text in KEYS.values() if text in str(rows)]


async def test_a_key_that_is_nearly_right_takes_as_long_as_any_other(database: Database) -> None:
    keys = ApiKeys(database, time.monotonic)
    good = new_key_text(("read",))
    await keys.create("timing", good, ("read",))

    async def took(text: str) -> float:
        began = time.perf_counter()
        assert await keys.find(text) is None
        return time.perf_counter() - began

    for _ in range(5):  # a machine that does other things too
        near, far = [], []
        for _ in range(_TRIES):
            near.append(await took(good[:-6] + uuid4().hex[:6]))
            far.append(await took(uuid4().hex))
        ratio = statistics.median(near) / statistics.median(far)
        if 0.8 < ratio < 1.25:
            return
    raise AssertionError(f"keys that are nearly right take {ratio:.2f} times as long")


async def test_who_tries_keys_makes_no_other_be_looked_up_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_REMEMBERED_KEYS", 10)
    keys = ApiKeys(database, lambda: 0.0)
    key = await keys.find(KEYS["read"])
    await asyncio.gather(*(keys.find(uuid4().hex) for _ in range(50)))
    assert await keys.find(KEYS["read"]) is key
    assert len(keys._unknown) <= 10
