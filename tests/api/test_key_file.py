"""The keys of a fresh installation are made once, work, and nobody else can read their file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import ujson

from spectraview.access.api_keys import ApiKeys
from spectraview.access.key_file import load_or_create_keys
from tests.api_client import ApiClient


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    previous = os.umask(0)
    yield
    os.umask(previous)


async def test_there_is_a_key_for_each_scope(api_keys: ApiKeys, tmp_path: Path) -> None:
    keys = await load_or_create_keys(api_keys, tmp_path)
    assert list(keys) == ["ingest", "read", "admin"]
    assert ujson.loads((tmp_path / "keys.json").read_text()) == keys


async def test_only_the_owner_may_read_them(api_keys: ApiKeys, tmp_path: Path) -> None:
    await load_or_create_keys(api_keys, tmp_path)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


async def test_what_an_interrupted_start_left_does_not_open_them(
    api_keys: ApiKeys, tmp_path: Path
) -> None:
    (tmp_path / "keys.new").write_text("{")
    (tmp_path / "keys.new").chmod(0o644)
    await load_or_create_keys(api_keys, tmp_path)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


async def test_a_second_start_keeps_the_keys(api_keys: ApiKeys, tmp_path: Path) -> None:
    keys = await load_or_create_keys(api_keys, tmp_path)
    assert await load_or_create_keys(api_keys, tmp_path) == keys


async def test_the_folder_is_made(api_keys: ApiKeys, tmp_path: Path) -> None:
    await load_or_create_keys(api_keys, tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "keys.json").exists()


async def test_the_keys_open_what_their_names_say(
    api: ApiClient, api_keys: ApiKeys, tmp_path: Path
) -> None:
    keys = await load_or_create_keys(api_keys, tmp_path)
    client = ApiClient(api.client, keys)
    session_id = await client.start()
    assert (await client.get(f"/api/sessions/{session_id}")).status == 200
    assert (await client.get(f"/api/sessions/{session_id}", key="ingest")).status == 403


async def test_keys_that_were_written_by_hand_are_known_too(
    api: ApiClient, api_keys: ApiKeys, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_text('{"read": "chosen-by-hand"}')
    await load_or_create_keys(api_keys, tmp_path)
    assert (await api.get("/api/sessions?limit=1", key="chosen-by-hand")).status == 200
