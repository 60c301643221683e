"""Nobody makes, sees or changes a key that may do more than their own."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from spectraview.storage.database import Database
from tests.api.key_requests import LATER, TOMORROW, Act, made, status_with
from tests.api.samples import fault_of
from tests.api_client import ApiClient
from tests.conftest import ApiFactory


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def test_the_last_admin_key_is_not_revoked_by_accident(
    make_api: ApiFactory, database: Database, api: ApiClient, keys: Act
) -> None:
    mine = await made(keys, scopes=["admin"])
    await made(keys, scopes=["admin"], appId="shop")
    await made(keys, scopes=["admin"], expiresAt=TOMORROW)
    await database.fetch_all(
        "UPDATE api_keys SET expires_at = now() - INTERVAL '1 second' WHERE expires_at IS NOT NULL"
    )
    others = await database.fetch_all(
        "UPDATE api_keys SET revoked_at = now() WHERE 'admin' = ANY(scopes) AND app_id IS NULL"
        " AND revoked_at IS NULL AND id <> %(mine)s RETURNING id",
        {"mine": mine["id"]},
    )
    try:
        refused = await keys("DELETE", f"/{mine['id']}", key=mine["key"])
        assert fault_of(refused) == (409, "last_admin_key", None)
        two = [mine["id"], (await made(keys, key=mine["key"], scopes=["admin"]))["id"]]
        both = await asyncio.gather(*(keys("DELETE", f"/{each}", key=mine["key"]) for each in two))
        assert sorted(answer.status for answer in both) in ([200, 409], [200, 401])
    finally:
        await database.fetch_all(
            "UPDATE api_keys SET revoked_at = NULL WHERE id = ANY(%(ids)s)",
            {"ids": [row[0] for row in others]},
        )


async def test_an_apps_admin_sees_and_makes_keys_of_the_app_alone(
    api: ApiClient, keys: Act
) -> None:
    app = f"app-{uuid4().hex[:8]}"
    bound = await made(keys, scopes=["admin"], appId=app)
    stranger = await made(keys)
    mine = await made(keys, key=bound["key"])
    assert mine["appId"] == app
    listed = (await keys("GET", "", key=bound["key"])).json["keys"]
    assert [key["id"] for key in listed] == [bound["id"], mine["id"]]
    body = {"name": "n", "scopes": ["read"], "appId": "another"}
    refused = await keys("POST", "", body, key=bound["key"])
    assert fault_of(refused) == (403, "key_exceeds_own", "appId")
    for method, path, content in (
        ("GET", "", None),
        ("PATCH", "", {"name": "n"}),
        ("DELETE", "", None),
        ("POST", "/rotate", None),
    ):
        answer = await keys(method, f"/{stranger['id']}{path}", content, key=bound["key"])
        assert fault_of(answer) == (404, "key_not_found", None)
    assert await status_with(api, stranger["key"]) == 200


@pytest.mark.parametrize(
    ("own", "wider"),
    [
        ({"origins": ["https://a.example"]}, {"origins": ["https://b.example"]}),
        ({"expiresAt": TOMORROW}, {"expiresAt": LATER}),
        ({"bytesPerDay": 10}, {"bytesPerDay": 11}),
        ({"ingestPerMinute": 10}, {"ingestPerMinute": 11}),
    ],
)
async def test_nobody_makes_a_key_that_may_do_more(
    keys: Act, own: dict[str, Any], wider: dict[str, Any]
) -> None:
    admin = await made(keys, scopes=["admin"], scrub=["tokens"], **own)
    (member,) = own
    refused = await keys("POST", "", {"name": "n", "scopes": ["read"]} | wider, key=admin["key"])
    assert fault_of(refused) == (403, "key_exceeds_own", member)
    plain = await made(keys, key=admin["key"])
    assert (plain[member], plain["scrub"]) == (admin[member], ["tokens"])
    emptied: object = [] if member == "origins" else None
    for target in (plain, admin):
        answer = await keys("PATCH", f"/{target['id']}", {member: emptied}, key=admin["key"])
        assert fault_of(answer) == (403, "key_exceeds_own", member)


async def test_nobody_learns_the_text_of_a_key_that_may_do_more(api: ApiClient, keys: Act) -> None:
    short_lived = await made(keys, scopes=["admin"], expiresAt=TOMORROW)
    strong = await made(keys, scopes=["admin"])
    answer = await keys("POST", f"/{strong['id']}/rotate", key=short_lived["key"])
    assert fault_of(answer) == (403, "key_exceeds_own", "expiresAt")
    assert await status_with(api, strong["key"]) == 200
