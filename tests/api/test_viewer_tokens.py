"""A viewer token reads one session for a while, and nothing else."""

import time
from uuid import UUID, uuid4

import jwt
import pytest

from spectraview.access.api_keys import ApiKeys
from spectraview.access.viewer_tokens import ViewerToken, ViewerTokens
from spectraview.storage.database import Database
from tests.api_client import ApiClient
from tests.conftest import KEYS
from tests.recordings import load_recording

READING = ("", "/replay")


async def token_for(api: ApiClient, session_id: UUID, **members: object) -> str:
    """Return a token that the read key has made."""
    answer = await api.post_events(session_id, members, path="tokens", key="read")
    assert answer.status == 200, answer
    text: str = answer.json["token"]
    return text


@pytest.mark.parametrize("path", READING)
async def test_a_token_reads_its_session(api: ApiClient, path: str) -> None:
    session_id = await api.start()
    token = await token_for(api, session_id)
    address = f"/api/sessions/{session_id}{path}"
    by_query = await api.get(f"{address}?token={token}", key=None)
    by_header = await api.get(address, key=None, headers={"Authorization": f"Bearer {token}"})
    assert (by_query.status, by_header.status) == (200, 200)


@pytest.mark.parametrize("path", READING)
async def test_a_token_reads_no_other_session(api: ApiClient, path: str) -> None:
    token = await token_for(api, await api.start())
    answer = await api.get(f"/api/sessions/{await api.start()}{path}?token={token}", key=None)
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")


async def test_a_token_neither_lists_nor_writes_nor_makes_tokens(api: ApiClient) -> None:
    session_id = await api.start()
    token = await token_for(api, session_id)
    listed = await api.get(f"/api/sessions?token={token}", key=None)
    sent = await api.post_events(session_id, {}, path=f"events?token={token}", key=None)
    made = await api.post_events(session_id, {}, path=f"tokens?token={token}", key=None)
    assert [listed.status, sent.status, made.status] == [401, 401, 401]


async def test_a_token_watches_its_session_live(api: ApiClient) -> None:
    session_id = await api.start()
    token = await token_for(api, session_id)
    events = load_recording("todo-small")[:50]
    async with api.watch(session_id, key=None, token=token, start="start") as viewer:
        await api.send(session_id, events)
        assert await viewer.take(50) == events


async def test_the_stream_ends_with_4401_when_the_token_expires(api: ApiClient) -> None:
    session_id = await api.start()
    token = await token_for(api, session_id, seconds=1)
    async with api.watch(session_id, key=None, token=token) as viewer:
        assert await viewer.rest() == []
        assert viewer.close_code == 4401
    answer = await api.get(f"/api/sessions/{session_id}?token={token}", key=None)
    assert answer.status == 401


async def test_revoking_the_key_cuts_what_it_and_its_tokens_watch(
    api: ApiClient, api_keys: ApiKeys
) -> None:
    await api_keys.create("support", "sv_read_support", ["read"])
    (key_id,) = [key.key_id for key in await api_keys.list_keys() if key.name == "support"]
    session_id = await api.start()
    made = await api.post_events(session_id, {}, path="tokens", key="sv_read_support")
    token = made.json["token"]
    async with (
        api.watch(session_id, key="sv_read_support") as by_key,
        api.watch(session_id, key=None, token=token) as by_token,
        api.watch(session_id, start="start") as other,
    ):
        await api_keys.revoke(key_id)
        assert await by_key.rest() == await by_token.rest() == []
        assert (by_key.close_code, by_token.close_code) == (4401, 4401)
        events = load_recording("todo-small")[:50]
        await api.send(session_id, events)
        assert await other.take(50) == events
    assert (await api.get(f"/api/sessions/{session_id}?token={token}", key=None)).status == 401
    assert (await api.get(f"/api/sessions/{session_id}", key="sv_read_support")).status == 401


async def test_a_token_of_a_bound_key_sees_only_its_app(api: ApiClient, api_keys: ApiKeys) -> None:
    await api_keys.create("other", "sv_read_other", ["read"], app_id="other")
    session_id = await api.start()
    answer = await api.post_events(session_id, {}, path="tokens", key="sv_read_other")
    assert (answer.status, answer.json["code"]) == (404, "session_not_found")


@pytest.mark.parametrize("seconds", [0, -1, 2_592_001, "60", None, 1.5])
async def test_a_lifetime_out_of_bounds_is_refused(api: ApiClient, seconds: object) -> None:
    session_id = await api.start()
    answer = await api.post_events(session_id, {"seconds": seconds}, path="tokens", key="read")
    assert (answer.status, answer.json["where"]) == (400, "seconds")


async def test_forged_tokens_are_refused(api: ApiClient, database: Database) -> None:
    session_id = await api.start()
    good = await token_for(api, session_id)
    claims = jwt.decode(good, options={"verify_signature": False})
    expired = ViewerToken(session_id, claims["key"], None, time.time() - 1)
    forged = [
        "",
        "x.y.z",
        good[:-2],
        jwt.encode(claims, "another secret of at least thirty-two bytes", "HS256"),
        jwt.encode(claims, "", "none"),
        await ViewerTokens(database, time.time).issue(expired),
    ]
    for token in forged:
        answer = await api.get(f"/api/sessions/{session_id}?token={token}", key=None)
        assert (answer.status, answer.json["code"]) == (401, "unauthorized"), token


async def test_an_ingest_key_makes_no_token(api: ApiClient) -> None:
    answer = await api.post_events(uuid4(), {}, path="tokens", key=KEYS["ingest"])
    assert answer.status == 403
