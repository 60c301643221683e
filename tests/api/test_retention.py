"""What a client sees of retention: lives, and what comes late for a session that is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from spectraview.access.api_keys import ApiKeys
from spectraview.lifecycle.retention import Retention, RetentionRules
from spectraview.storage.database import Database
from spectraview.storage.retention import RetentionStore
from tests.api.samples import CLICK, info_of
from tests.api_client import ApiClient
from tests.conftest import ApiFactory


@pytest.fixture
async def gone(api: ApiClient, database: Database) -> UUID:
    """A session that expired and was deleted."""
    session_id = await api.start()
    await database.fetch_all("UPDATE sessions SET expires_at = now()")
    report = await Retention(RetentionStore(database), RetentionRules(False, 30)).run()
    assert report.deleted == 1
    return session_id


async def hours_of(api: ApiClient, session_id: UUID) -> int:
    """Return how many hours from now a session expires, rounded."""
    expires = datetime.fromisoformat((await info_of(api, session_id))["expiresAt"])
    return round((expires - datetime.now(UTC)) / timedelta(hours=1))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", {"events": [CLICK], "appId": "shop"}),
        ("events", {"events": [CLICK]}),
        ("events", {"appId": "shop"}),
        ("heartbeat", {}),
        ("end", {}),
    ],
)
async def test_what_comes_late_creates_no_session_again(
    api: ApiClient, database: Database, gone: UUID, path: str, body: dict[str, Any]
) -> None:
    answer = await api.post_events(gone, body, path=path)
    assert (answer.status, answer.json["code"]) == (410, "session_expired")
    assert await database.fetch_all("SELECT id FROM sessions") == []


async def test_a_start_that_comes_late_is_refused(api: ApiClient, gone: UUID) -> None:
    body = {"sessionId": str(gone), "appId": "shop"}
    answer = await api.request("POST", "/api/sessions/start", body)
    assert (answer.status, answer.json["code"]) == (410, "session_expired")


async def test_a_deleted_session_says_so(api: ApiClient, database: Database, gone: UUID) -> None:
    await database.fetch_all("UPDATE tombstones SET reason = 'deleted'")
    answer = await api.post_events(gone, {"events": [CLICK], "appId": "shop"})
    assert (answer.status, answer.json["code"]) == (410, "session_deleted")


async def test_another_apps_key_learns_nothing_of_a_session_that_is_gone(
    api: ApiClient, api_keys: ApiKeys, gone: UUID
) -> None:
    await api_keys.create("other", "sv_other", ("ingest",), app_id="other")
    answer = await api.post_events(gone, {}, path="heartbeat", key="sv_other")
    assert (answer.status, answer.json["code"]) == (404, "session_not_found")


async def test_a_batch_of_a_live_session_is_stored_beside_one_of_a_session_that_is_gone(
    api: ApiClient, gone: UUID
) -> None:
    fresh = uuid4()
    assert (await api.post_events(gone, {"events": [CLICK], "appId": "shop"})).status == 410
    assert (await api.post_events(fresh, {"events": [CLICK], "appId": "shop"})).status == 200


async def test_the_life_of_a_session_is_the_starts_else_the_keys_else_the_apps_else_the_default(
    make_api: ApiFactory, api_keys: ApiKeys, database: Database
) -> None:
    api = await make_api(ttl_hours=10)
    retention = RetentionStore(database)
    assert await hours_of(api, await api.start()) == 10
    await retention.set_app_ttl("shop", 20)
    assert await hours_of(api, await api.start()) == 20
    api.keys = {**api.keys, "ingest": "sv_long"}
    await api_keys.create("long", "sv_long", ("ingest",), ttl_hours=30)
    assert await hours_of(api, await api.start()) == 30
    assert await hours_of(api, await api.start(ttlHours=40)) == 40
    await retention.clear_app_ttl("shop")
    assert await hours_of(api, await api.start()) == 30


async def test_a_session_that_begins_with_its_events_lives_as_its_key_or_app_says(
    make_api: ApiFactory, api_keys: ApiKeys, database: Database
) -> None:
    api = await make_api(ttl_hours=10)
    await RetentionStore(database).set_app_ttl("shop", 20)
    await api_keys.create("long", "sv_long", ("ingest",), ttl_hours=30)
    body = {"events": [CLICK], "appId": "shop"}
    by_app, by_key = uuid4(), uuid4()
    assert (await api.post_events(by_app, body)).status == 200
    assert (await api.post_events(by_key, body, key="sv_long")).status == 200
    assert [await hours_of(api, by_app), await hours_of(api, by_key)] == [20, 30]


async def test_a_server_lets_go_of_what_has_expired_by_itself(
    make_api: ApiFactory, database: Database
) -> None:
    api = await make_api(retention_interval=0.01)
    session_id = await api.start()
    await database.fetch_all("UPDATE sessions SET expires_at = now()")
    while await database.fetch_all("SELECT id FROM sessions"):
        pass
    answer = await api.post_events(session_id, {}, path="heartbeat")
    assert answer.status == 410


async def test_a_deletion_and_an_export_reach_what_was_kept_of_expired_sessions(
    api: ApiClient, database: Database
) -> None:
    for user_id in ("user-1", "user-1", "user-2"):
        await api.start(userId=user_id)
    await database.fetch_all("UPDATE sessions SET expires_at = now()")
    report = await Retention(RetentionStore(database), RetentionRules(True, 30)).run()
    assert report.kept == 3
    export = await api.get("/api/users/user-1/export", key="admin")
    assert [s["session"]["userId"] for s in export.json["sessions"]] == ["user-1"] * 2
    answer = await api.request("DELETE", "/api/users/user-1", key="admin")
    assert (answer.status, answer.json["deletedSessions"]) == (200, 2)
    assert await database.fetch_all("SELECT user_id FROM sessions_archive") == [("user-2",)]
