"""Keys are made, changed, rotated and revoked over the API, by who may, and never beyond that."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from spectraview.access.api_keys import ApiKeys, new_key_text
from spectraview.keys import API_KEYS, QUOTAS
from spectraview.storage.database import Database
from tests.api.key_requests import Act, made, status_with
from tests.api.samples import fault_of
from tests.api_client import ApiClient

IMPOSSIBLE: list[tuple[dict[str, object], str | None]] = [
    ({"name": ""}, "name"),
    ({"name": "a\tb"}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": None}, "name"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["all"]}, "scopes[0]"),
    ({"appId": "x" * 51}, "appId"),
    ({"origins": ["shop.example"]}, "origins[0]"),
    ({"origins": ["https://shop.example/"]}, "origins[0]"),
    ({"origins": ["https://Shop.example"]}, "origins[0]"),
    ({"scrub": ["names"]}, "scrub[0]"),
    ({"ttlHours": 0}, "ttlHours"),
    ({"expiresAt": "tomorrow"}, "expiresAt"),
    ({"expiresAt": "2999-01-01T00:00:00"}, "expiresAt"),
    ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
    ({"bytesPerDay": 0}, "bytesPerDay"),
    ({"bytesPerDay": 2**53}, "bytesPerDay"),
    ({"ingestPerMinute": "5"}, "ingestPerMinute"),
    ({"orgins": []}, None),
]


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def test_a_key_that_is_made_works_and_its_text_is_told_once(
    api: ApiClient, keys: Act
) -> None:
    key = await made(keys, name="support", appId="shop", origins=["https://shop.example"])
    assert key["key"].startswith("sv_read_")
    assert await status_with(api, key["key"]) == 200
    text = key.pop("key")
    again = (await keys("GET", f"/{key['id']}")).json
    assert {**again, "lastUsedAt": None, "usedToday": key["usedToday"]} == key
    assert (again["name"], again["scopes"], again["appId"]) == ("support", ["read"], "shop")
    assert again["hint"] == f"sv_read_…{text[-4:]}"
    listed = await keys("GET", "?limit=500")
    assert text not in str(listed.json)
    assert key["id"] in [entry["id"] for entry in listed.json["keys"]]


async def test_the_text_of_a_key_is_not_to_be_kept_on_the_way(keys: Act) -> None:
    answer = await keys("POST", "", {"name": "n", "scopes": ["read"]})
    assert answer.headers["Cache-Control"] == "no-store"


async def test_keys_are_listed_by_pages(keys: Act) -> None:
    for _ in range(3):
        await made(keys)
    found, query = [], "?limit=2"
    while query:
        page = (await keys("GET", query)).json
        found += [key["id"] for key in page["keys"]]
        query = f"?limit=2&cursor={page['cursor']}" if "cursor" in page else ""
    everything = (await keys("GET", "?limit=500")).json
    assert found == [key["id"] for key in everything["keys"]]
    assert found == sorted({*found})


@pytest.mark.parametrize("key", ["ingest", "read"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/1"),
        ("PATCH", "/1"),
        ("DELETE", "/1"),
        ("POST", "/1/rotate"),
    ],
)
async def test_only_an_admin_key_opens_keys(keys: Act, method: str, path: str, key: str) -> None:
    assert fault_of(await keys(method, path, {}, key=key)) == (403, "forbidden", None)


async def test_what_a_key_cannot_be_is_refused(keys: Act) -> None:
    for members, where in IMPOSSIBLE:
        answer = await keys("POST", "", {"name": "n", "scopes": ["read"]} | members)
        assert fault_of(answer) == (400, "invalid_body", where), members


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name":"\xff"}', b'"' + b"[" * 5000])
async def test_what_is_no_key_at_all_is_refused(keys: Act, body: bytes) -> None:
    for method, path in (("POST", ""), ("PATCH", "/1")):
        assert (await keys(method, path, body)).status == 400


async def test_what_is_set_of_a_key_is_changed_and_the_rest_stays(
    api: ApiClient, keys: Act
) -> None:
    key = await made(keys, ttlHours=5, bytesPerDay=1000, origins=["https://shop.example"])
    change = {"name": "new", "bytesPerDay": None, "scrub": ["tokens", "inputs", "tokens"]}
    changed = (await keys("PATCH", f"/{key['id']}", change)).json
    assert (changed["name"], changed["bytesPerDay"]) == ("new", None)
    assert changed["scrub"] == ["inputs", "tokens"]
    assert (changed["ttlHours"], changed["origins"]) == (5, ["https://shop.example"])
    headers = {"Origin": "https://other.example"}
    assert (await api.get("/api/sessions", key=key["key"], headers=headers)).status == 403
    await keys("PATCH", f"/{key['id']}", {"origins": []})
    assert (await api.get("/api/sessions", key=key["key"], headers=headers)).status == 200


async def test_two_changes_at_once_both_hold(keys: Act) -> None:
    key = await made(keys)
    changes = [{"ttlHours": 7}, {"name": "both"}, {"eventsPerDay": 9}]
    await asyncio.gather(*(keys("PATCH", f"/{key['id']}", change) for change in changes))
    found = (await keys("GET", f"/{key['id']}")).json
    assert (found["ttlHours"], found["name"], found["eventsPerDay"]) == (7, "both", 9)


@pytest.mark.parametrize("change", [{}, {"scopes": ["admin"]}, {"appId": None}, {"name": None}])
async def test_what_stays_for_a_keys_life_is_not_changed(keys: Act, change: object) -> None:
    key = await made(keys)
    answer = await keys("PATCH", f"/{key['id']}", change)
    assert fault_of(answer)[:2] == (400, "invalid_body")


@pytest.mark.parametrize("number", ["0", "999999999", "2147483647"])
@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")]
)
async def test_a_key_that_is_not_there_is_not_found(
    keys: Act, method: str, rest: str, number: str
) -> None:
    answer = await keys(method, f"/{number}{rest}", {"name": "n"} if method == "PATCH" else None)
    assert fault_of(answer) == (404, "key_not_found", None)


@pytest.mark.parametrize("number", ["x", "-1", "1.0", "2147483648", "1" * 5000, "%D9%A1"])
async def test_what_is_no_keys_number_is_refused(keys: Act, number: str) -> None:
    assert fault_of(await keys("GET", f"/{number}")) == (400, "invalid_parameter", "keyId")


async def test_when_a_key_was_used_is_known_later(api: ApiClient, keys: Act) -> None:
    key = await made(keys)
    assert key["lastUsedAt"] is None
    for _ in range(3):
        await status_with(api, key["key"])
    await api.client.app[QUOTAS].flush()
    found = (await keys("GET", f"/{key['id']}")).json
    assert datetime.fromisoformat(found["lastUsedAt"]) <= datetime.now(UTC)
    assert found["usedToday"] == {"requests": 3, "bytes": 0, "events": 0}


async def test_a_change_is_known_in_other_processes_when_they_look_again(
    database: Database, api_keys: ApiKeys, keys: Act
) -> None:
    moment = 0.0
    other = ApiKeys(database, lambda: moment)
    key = await made(keys)
    assert await other.find(key["key"]) is not None
    await keys("PATCH", f"/{key['id']}", {"ttlHours": 3})
    moment = 9.9
    found = await other.find(key["key"])
    assert found is not None
    assert found.ttl_hours is None
    moment = 10.0
    found = await other.find(key["key"])
    assert found is not None
    assert found.ttl_hours == 3


async def test_a_lookup_that_a_revocation_overtakes_opens_nothing(
    api: ApiClient, keys: Act
) -> None:
    key = await made(keys)
    found = api.client.app[API_KEYS]
    await keys("DELETE", f"/{key['id']}")
    await found.forget_ended()
    assert found.has_ended(key["id"])
    assert await found.find(key["key"]) is None


async def test_texts_that_we_have_not_made_have_no_hint(api_keys: ApiKeys) -> None:
    await api_keys.create("old", f"sv_read_{uuid4().hex[:20]}", ("read",))
    text = new_key_text(("ingest", "read"))
    await api_keys.create("new", text, ("ingest", "read"))
    old, new = (await api_keys.list_keys())[-2:]
    assert (old.hint, new.hint) == (None, f"sv_ingest_…{text[-4:]}")


@pytest.mark.parametrize(
    "members",
    [
        {"name": "page\n"},
        {"appId": "shop\n"},
        {"origins": ["https://shop.example\n"]},
        {"origins": ["https://shop\x1e.example"]},
    ],
)
async def test_no_control_character_gets_into_a_key(
    api: ApiClient, members: dict[str, object]
) -> None:
    body = {"name": "page", "scopes": ["ingest"]} | members
    assert (await api.request("POST", "/api/keys", body, key="admin")).status == 400
