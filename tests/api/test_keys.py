"""Keys are made, changed, rotated and revoked over the API, by who may, and never beyond that."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from spectraview.access.api_keys import ApiKeys, new_key_text
from spectraview.access.key import key_hint
from spectraview.access.key_file import load_or_create_keys
from spectraview.keys import API_KEYS, QUOTAS
from spectraview.storage.database import Database
from tests.api.samples import CLICK, fault_of
from tests.api_client import Answer, ApiClient
from tests.conftest import ApiFactory

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
LATER = (datetime.now(UTC) + timedelta(days=2)).isoformat()
Act = Callable[..., Awaitable[Answer]]
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


@pytest.fixture
def keys(api: ApiClient) -> Act:
    """Return what sends a request about keys, as an admin unless it says otherwise."""

    async def act(method: str, path: str = "", body: object = None, key: str = "admin") -> Answer:
        return await api.request(method, f"/api/keys{path}", body, key=key)

    return act


async def made(keys: Act, key: str = "admin", **members: Any) -> Any:
    """Make a key and return what is answered."""
    body = {"name": "a test's", "scopes": ["read"]} | members
    answer = await keys("POST", "", body, key=key)
    assert answer.status == 201, answer
    return answer.json


async def status_with(api: ApiClient, key: str, path: str = "/api/sessions?limit=1") -> int:
    """Return the status of a read with a key."""
    return (await api.get(path, key=key)).status


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
