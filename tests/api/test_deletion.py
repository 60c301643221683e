"""What is deleted is gone everywhere, stays gone, and leaves nothing about the person behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
import redis
from psycopg2.extensions import quote_ident

from spectraview.access.api_keys import ApiKeys, new_key_text
from spectraview.lifecycle.deletion import Eraser
from spectraview.storage.cache import Cache
from spectraview.storage.database import Database
from spectraview.storage.deletion import DeletionStore
from tests.api.samples import CLICK, fault_of
from tests.api_client import Answer, ApiClient
from tests.recordings import load_recording

SECRET = "c0ffee-planted-secret"
KeyFactory = Callable[..., Awaitable[str]]


@pytest.fixture
def make_key(api_keys: ApiKeys) -> KeyFactory:
    """Return a factory of admin keys that are bound to an app."""

    async def make(app_id: str) -> str:
        text = new_key_text(("admin",))
        await api_keys.create("a test's admin", text, ("admin",), app_id=app_id)
        return text

    return make


@pytest.fixture
def deletion_store(database: Database) -> DeletionStore:
    return DeletionStore(database)


@pytest.fixture
def eraser(deletion_store: DeletionStore, cache: Cache) -> Eraser:
    return Eraser(deletion_store, cache)


def dump_postgresql(url: str) -> str:
    """Return every row of every table as text."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'm')"
            " AND relnamespace = 'public'::regnamespace"
        )
        tables = [quote_ident(name, cursor) for (name,) in cursor.fetchall()]
        dump = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} AS t")
            dump += [row for (row,) in cursor.fetchall()]
    connection.close()
    return "\n".join(dump)


def dump_valkey(url: str) -> bytes:
    """Return the serialised value of every key, with the keys."""
    with redis.Redis.from_url(url) as client:
        keys = list(client.scan_iter(count=1000))
        values = [client.dump(key) or b"" for key in keys]
    return b"\n".join(keys + values)


def packed(secret: str) -> bytes:
    """Return how a secret's bytes look in a column of bytes."""
    return secret.encode().hex().encode()


async def plant(api: ApiClient, user_id: str) -> UUID:
    """Store a session with the secret in all places, in the caches too."""
    session_id = await api.start(
        userId=user_id, ticketId=SECRET, metadata={"url": f"https://shop.example/?{SECRET}"}
    )
    body = {
        "events": [
            {"type": 4, "data": {"href": SECRET, "width": 1, "height": 1}, "timestamp": 1},
            {"type": 5, "data": {"tag": SECRET, "payload": {}}, "timestamp": 2},
        ],
        "customEvents": [{"eventType": "order", "timestamp": 3, "secret": SECRET}],
        "errors": [{"type": "Error", "message": SECRET, "stack": SECRET, "timestamp": 4}],
    }
    assert (await api.post_events(session_id, body)).status == 200
    await api.replay(session_id)
    return session_id


async def delete(api: ApiClient, path: str, key: str = "admin") -> Answer:
    return await api.request("DELETE", f"/api/{path}", key=key)


async def test_a_planted_secret_is_found_nowhere_after_the_deletion(
    api: ApiClient, database_url: str, redis_url: str
) -> None:
    session_id = await plant(api, SECRET)
    assert SECRET in dump_postgresql(database_url)
    assert SECRET.encode() in dump_valkey(redis_url)
    assert (await delete(api, f"sessions/{session_id}")).status == 200
    assert SECRET not in dump_postgresql(database_url)
    assert SECRET.encode() not in dump_valkey(redis_url)


async def test_nothing_of_a_deleted_user_is_left(
    api: ApiClient, database_url: str, redis_url: str
) -> None:
    deleted = [await plant(api, SECRET) for _ in range(3)]
    other = await plant(api, "somebody-else")
    answer = await delete(api, f"users/{SECRET}")
    assert answer.json == {"success": True, "deletedSessions": 3}
    for session_id in deleted:
        assert (await api.get(f"/api/sessions/{session_id}")).status == 404
    assert (await api.get(f"/api/sessions/{other}")).status == 200
    await delete(api, f"sessions/{other}")
    assert SECRET not in dump_postgresql(database_url)
    assert SECRET.encode() not in dump_valkey(redis_url)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", {"events": [CLICK], "appId": "shop"}),
        ("events", {"events": [CLICK]}),
        ("events", {}),
        ("heartbeat", {}),
        ("end", {}),
    ],
)
async def test_what_comes_late_is_refused(api: ApiClient, path: str, body: Any) -> None:
    session_id = await api.start()
    await api.send(session_id, [CLICK])
    await delete(api, f"sessions/{session_id}")
    answer = await api.post_events(session_id, body, path=path)
    assert fault_of(answer) == (410, "session_deleted", None)
    assert (await api.get(f"/api/sessions/{session_id}")).status == 404


async def test_a_deleted_session_cannot_be_started_again(api: ApiClient) -> None:
    session_id = await api.start()
    await delete(api, f"sessions/{session_id}")
    body = {"sessionId": str(session_id), "appId": "shop"}
    answer = await api.request("POST", "/api/sessions/start", body)
    assert fault_of(answer) == (410, "session_deleted", None)


async def test_a_deletion_again_is_the_same_as_once(api: ApiClient) -> None:
    session_id = await api.start()
    first = await delete(api, f"sessions/{session_id}")
    second = await delete(api, f"sessions/{session_id}")
    assert (second.status, second.json) == (first.status, first.json)
    assert (await delete(api, "users/nobody")).json["deletedSessions"] == 0


async def test_a_session_that_never_was_is_not_found(api: ApiClient) -> None:
    answer = await delete(api, f"sessions/{uuid4()}")
    assert fault_of(answer) == (404, "session_not_found", None)


async def test_only_the_admin_scope_deletes_and_exports(api: ApiClient) -> None:
    session_id = await api.start()
    for key in ("read", "ingest"):
        assert (await delete(api, f"sessions/{session_id}", key)).status == 403
        assert (await delete(api, "users/user-123", key)).status == 403
        assert (await api.get("/api/users/user-123/export", key=key)).status == 403


async def test_a_key_deletes_and_exports_in_its_own_app_only(
    api: ApiClient, make_key: KeyFactory
) -> None:
    key = await make_key("bakery")
    shop, bakery = await api.start(), await api.start(appId="bakery")
    assert (await delete(api, f"sessions/{shop}", key)).status == 404
    export = await api.get("/api/users/user-123/export", key=key)
    assert [entry["session"]["sessionId"] for entry in export.json["sessions"]] == [str(bakery)]
    assert (await delete(api, "users/user-123", key)).json["deletedSessions"] == 1
    assert (await api.get(f"/api/sessions/{shop}")).status == 200
    assert (await api.get(f"/api/sessions/{bakery}")).status == 404


async def test_who_watches_a_deleted_session_is_told(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [CLICK])
    async with api.watch(session_id) as viewer:
        assert await viewer.next() == CLICK
        await delete(api, f"sessions/{session_id}")
        assert await viewer.next() is None
        assert viewer.close_code == 4404


async def test_batches_that_come_while_a_session_is_deleted_do_not_bring_it_back(
    api: ApiClient, database: Database
) -> None:
    session_id = await api.start()
    bodies = [
        {"events": [CLICK | {"timestamp": n}], "appId": "shop", "userId": SECRET} for n in range(60)
    ]
    answers = await asyncio.gather(
        *(api.post_events(session_id, body) for body in bodies[:30]),
        delete(api, f"sessions/{session_id}"),
        *(api.post_events(session_id, body) for body in bodies[30:]),
    )
    assert {answer.status for answer in answers} <= {200, 410}
    for table in ("sessions", "session_events", "ingest_batches"):
        column = "id" if table == "sessions" else "session_id"
        query = f"SELECT 1 FROM {table} WHERE {column} = %(id)s"
        assert await database.fetch_all(query, {"id": session_id}) == []


async def test_a_deletion_that_died_half_way_is_finished(
    api: ApiClient, deletion_store: DeletionStore, eraser: Eraser, database_url: str
) -> None:
    session_id = await plant(api, SECRET)
    assert await deletion_store.mark_session(session_id, None) == [session_id]
    assert await eraser.finish() == 1
    assert await eraser.finish() == 0
    assert SECRET not in dump_postgresql(database_url)


async def test_a_replay_that_is_cached_after_the_deletion_is_dropped(
    api: ApiClient, eraser: Eraser, redis_url: str
) -> None:
    session_id = await plant(api, SECRET)
    await delete(api, f"sessions/{session_id}")
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"replay:{{{session_id}}}", SECRET)
    await eraser.finish()
    await eraser._cache.ping()
    assert SECRET.encode() not in dump_valkey(redis_url)


async def test_the_audit_tells_who_and_how_much(api: ApiClient, database: Database) -> None:
    session_id = await plant(api, SECRET)
    await plant(api, SECRET)
    await delete(api, f"sessions/{session_id}")
    await api.get(f"/api/users/{SECRET}/export", key="admin")
    await delete(api, f"users/{SECRET}")
    rows = await database.fetch_all(
        "SELECT action, key_id IS NOT NULL, sessions FROM audit_log ORDER BY id"
    )
    assert rows == [("delete_session", True, 1), ("export_user", True, 1), ("delete_user", True, 1)]


async def test_an_export_holds_all_that_is_stored_about_a_person(api: ApiClient) -> None:
    recording = load_recording("todo-small")
    recorded = await api.start(userId="person 1/2")
    await api.upload(recorded, recording)
    planted = await plant(api, "person 1/2")
    await plant(api, "somebody-else")
    answer = await api.get("/api/users/person%201%2F2/export", key="admin")
    first, second = answer.json["sessions"]
    assert answer.json["userId"] == "person 1/2"
    assert first["session"]["sessionId"] == str(recorded)
    assert first["replay"]["events"] == recording
    assert second["replay"] == await api.replay(planted)
    assert second["session"]["metadata"]["url"].endswith(SECRET)


async def test_an_export_of_nobody_is_empty(api: ApiClient) -> None:
    answer = await api.get("/api/users/nobody/export", key="admin")
    assert answer.json == {"userId": "nobody", "sessions": []}


async def test_a_user_id_that_cannot_be_is_refused(api: ApiClient) -> None:
    answer = await delete(api, f"users/{'x' * 101}")
    assert fault_of(answer) == (400, "invalid_parameter", "userId")
