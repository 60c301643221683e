"""Every administrative act stands in the audit log, without a word of those who were recorded."""

from uuid import uuid4

import pytest

from spectraview.access.api_keys import ApiKeys
from tests.api.samples import CLICK, fault_of
from tests.api_client import ApiClient


async def test_what_is_done_to_keys_is_written_down(api: ApiClient) -> None:
    body = {"name": "page", "scopes": ["ingest"], "appId": "shop"}
    key = (await api.request("POST", "/api/keys", body, key="admin")).json
    path = f"/api/keys/{key['id']}"
    await api.request("PATCH", path, {"ttlHours": 5, "name": "secret name"}, key="admin")
    await api.request("POST", f"{path}/rotate", key="admin")
    for _ in range(2):
        await api.request("DELETE", path, key="admin")
    answer = await api.get("/api/audit", key="admin")
    entries = answer.json["entries"]
    assert [(entry["action"], entry["changes"]) for entry in entries] == [
        ("revoke_key", []),
        ("rotate_key", []),
        ("change_key", ["name", "ttlHours"]),
        ("create_key", []),
    ]
    assert {entry["targetKeyId"] for entry in entries} == {key["id"]}
    assert {entry["appId"] for entry in entries} == {"shop"}
    (admin,) = {entry["keyId"] for entry in entries}
    assert admin not in (None, key["id"])
    assert "secret name" not in str(answer.json)


async def test_the_request_by_which_it_was_done_is_known(api: ApiClient) -> None:
    body = {"name": "page", "scopes": ["ingest"]}
    headers = {"X-Request-Id": "from-the-proxy-7"}
    await api.request("POST", "/api/keys", body, key="admin", headers=headers)
    made = await api.request("POST", "/api/keys", body, key="admin")
    entries = (await api.get("/api/audit", key="admin")).json["entries"]
    assert [entry["requestId"] for entry in entries] == [
        made.headers["X-Request-Id"],
        "from-the-proxy-7",
    ]


async def test_what_is_refused_is_not_written_down(api: ApiClient) -> None:
    await api.request("POST", "/api/keys", {"name": "page"}, key="admin")
    await api.request("DELETE", "/api/keys/999", key="admin")
    await api.request("DELETE", f"/api/sessions/{uuid4()}", key="admin")
    assert (await api.get("/api/audit", key="admin")).json == {"entries": []}


async def test_deletions_and_exports_are_written_down_without_the_person(api: ApiClient) -> None:
    session_id = await api.start(userId="joe@shop.example")
    await api.send(session_id, [CLICK])
    await api.get("/api/users/joe%40shop.example/export", key="admin")
    await api.request("DELETE", "/api/users/joe%40shop.example", key="admin")
    answer = await api.get("/api/audit", key="admin")
    acts = [(entry["action"], entry["sessions"]) for entry in answer.json["entries"]]
    assert acts == [("delete_user", 1), ("export_user", 1)]
    assert "joe" not in str(answer.json)
    assert str(session_id) not in str(answer.json)


async def test_the_log_is_read_by_pages_and_filters(api: ApiClient) -> None:
    body = {"name": "page", "scopes": ["ingest"]}
    for _ in range(5):
        await api.request("POST", "/api/keys", body, key="admin")
    found, query = [], "?limit=2"
    while query:
        page = (await api.get(f"/api/audit{query}", key="admin")).json
        found += [entry["id"] for entry in page["entries"]]
        query = f"?limit=2&cursor={page['cursor']}" if "cursor" in page else ""
    assert len(found) == 5
    assert found == sorted(found, reverse=True)
    newest = (await api.get("/api/audit?limit=1", key="admin")).json["entries"][0]
    for query, count in (
        ("action=create_key", 5),
        ("action=revoke_key", 0),
        (f"keyId={newest['targetKeyId']}", 1),
        (f"keyId={newest['keyId']}", 5),
        ("from=2999-01-01", 0),
        ("to=2999-01-01", 5),
    ):
        entries = (await api.get(f"/api/audit?{query}", key="admin")).json["entries"]
        assert len(entries) == count, query


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "cursor=x", "cursor=LTE=", "keyId=a", "from=x"]
)
async def test_a_wrong_parameter_is_refused(api: ApiClient, query: str) -> None:
    answer = await api.get(f"/api/audit?{query}", key="admin")
    assert fault_of(answer)[:2] == (400, "invalid_parameter")


async def test_only_an_admin_reads_the_log_and_one_of_an_app_its_part(
    api: ApiClient, api_keys: ApiKeys
) -> None:
    await api_keys.create("shop's", "sv_shop", ("admin",), app_id="shop")
    await api_keys.create("blog's", "sv_blog", ("admin",), app_id="blog")
    assert fault_of(await api.get("/api/audit", key="read")) == (403, "forbidden", None)
    (entry,) = (await api.get("/api/audit", key="sv_shop")).json["entries"]
    assert (entry["appId"], entry["keyId"], entry["action"]) == ("shop", None, "create_key")
