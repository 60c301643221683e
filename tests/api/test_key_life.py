"""A key gets another text, is revoked, or expires; and what it has opened goes with it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spectraview.access.api_keys import ApiKeys
from spectraview.access.key import key_hint
from spectraview.access.key_file import load_or_create_keys
from spectraview.storage.database import Database
from tests.api.key_requests import TOMORROW, Act, made, status_with
from tests.api.samples import CLICK, fault_of
from tests.api_client import ApiClient
from tests.conftest import ApiFactory


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def test_a_rotated_key_has_two_texts_for_a_while(api: ApiClient, keys: Act) -> None:
    key = await made(keys)
    rotated = (await keys("POST", f"/{key['id']}/rotate")).json
    assert rotated["key"] not in (key["key"], None)
    left = datetime.fromisoformat(rotated["olderTextUntil"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert [await status_with(api, text) for text in (key["key"], rotated["key"])] == [200, 200]


async def test_without_an_overlap_the_old_text_ends_in_every_process(
    make_api: ApiFactory, api: ApiClient, keys: Act
) -> None:
    other = await make_api()
    key = await made(keys)
    assert [await status_with(one, key["key"]) for one in (api, other)] == [200, 200]
    body = {"overlapSeconds": 0}
    rotated = (await keys("POST", f"/{key['id']}/rotate", body)).json
    assert await status_with(api, key["key"]) == 401
    async with asyncio.timeout(5):
        while await status_with(other, key["key"]) != 401:
            pass
    assert [await status_with(one, rotated["key"]) for one in (api, other)] == [200, 200]


async def test_a_shorter_overlap_holds_for_all_earlier_texts(api: ApiClient, keys: Act) -> None:
    first = await made(keys)
    second = (await keys("POST", f"/{first['id']}/rotate", {"overlapSeconds": 600})).json
    third = (await keys("POST", f"/{first['id']}/rotate", {"overlapSeconds": 0})).json
    texts = [first["key"], second["key"], third["key"]]
    assert [await status_with(api, text) for text in texts] == [401, 401, 200]


async def test_a_text_before_a_rotation_never_becomes_a_key_again(
    api_keys: ApiKeys,
    api: ApiClient,
    keys: Act,
    tmp_path: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    texts = await load_or_create_keys(api_keys, tmp_path)
    hint = key_hint(texts["read"])
    key_id = next(key.key_id for key in await api_keys.list_keys() if key.hint == hint)
    await keys("POST", f"/{key_id}/rotate", {"overlapSeconds": 0})
    await load_or_create_keys(api_keys, tmp_path)
    assert "the read key of keys.json was revoked or rotated" in caplog.text
    assert await status_with(api, texts["read"]) == 401


async def test_a_revoked_key_is_neither_changed_nor_rotated(keys: Act) -> None:
    key = await made(keys)
    for _ in range(2):
        revoked = await keys("DELETE", f"/{key['id']}")
        assert (revoked.status, revoked.json) == (200, {"success": True, "id": key["id"]})
    assert (await keys("GET", f"/{key['id']}")).json["revokedAt"] is not None
    for method, path, body in (("PATCH", "", {"name": "n"}), ("POST", "/rotate", None)):
        answer = await keys(method, f"/{key['id']}{path}", body)
        assert fault_of(answer) == (409, "key_revoked", None)


async def test_a_key_that_is_revoked_ends_everything_that_it_opened(
    api: ApiClient, keys: Act
) -> None:
    key = await made(keys)
    session_id = await api.start()
    await api.send(session_id, [CLICK])
    path = f"/api/sessions/{session_id}"
    token = (await api.request("POST", f"{path}/tokens", {}, key=key["key"])).json["token"]
    async with (
        api.watch(session_id, key=key["key"]) as viewer,
        api.watch(session_id, key=None, token=token) as with_token,
    ):
        assert [await viewer.next(), await with_token.next()] == [CLICK, CLICK]
        await keys("DELETE", f"/{key['id']}")
        assert await status_with(api, key["key"]) == 401
        assert [await viewer.next(), await with_token.next()] == [None, None]
        assert [viewer.close_code, with_token.close_code] == [4401, 4401]
    assert (await api.get(f"{path}?token={token}", key=None)).status == 401


async def test_a_key_expires_with_what_it_opened(
    api: ApiClient, keys: Act, database: Database
) -> None:
    key = await made(keys, expiresAt=TOMORROW)
    session_id = await api.start()
    await api.send(session_id, [CLICK])
    async with api.watch(session_id, key=key["key"]) as viewer:
        assert await viewer.next() == CLICK
        await database.fetch_all(
            "UPDATE api_keys SET expires_at = now() WHERE id = %(id)s", {"id": key["id"]}
        )
        assert await viewer.next() is None
        assert viewer.close_code == 4401
    assert await status_with(api, key["key"]) == 401
    await keys("PATCH", f"/{key['id']}", {"expiresAt": TOMORROW})
    async with asyncio.timeout(5):
        while await status_with(api, key["key"]) != 200:
            pass
