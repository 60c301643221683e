"""The answer of how many bytes the recordings take."""

from datetime import UTC, datetime

from spectraview.access.api_keys import ApiKeys
from spectraview.storage.database import Database
from tests.api_client import ApiClient
from tests.recordings import batches_of, load_recording


async def test_storage_is_told_by_table_day_and_app(api: ApiClient, database: Database) -> None:
    events = load_recording("todo-small")
    for app_id in ("shop", "shop", "bank"):
        session_id = await api.start(appId=app_id)
        for batch in batches_of(events):
            await api.send(session_id, batch, appId=app_id)
    answer = await api.get("/api/storage", key="admin")
    assert answer.status == 200
    usage = answer.json
    (row,) = await database.fetch_all(
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent IN"
        " ('session_events'::regclass, 'session_segments'::regclass)"
    )
    assert usage["bytes"] == row[0]
    assert usage["bytes"] == usage["database"]["events"] + usage["database"]["segments"]
    assert usage["database"]["bytes"] > usage["bytes"]
    today = datetime.now(UTC).date().isoformat()
    (day,) = (day for day in usage["days"] if day["day"] == today)
    assert day["sessions"] == 3
    assert day["bytes"] > 100_000
    shop, bank = usage["apps"]
    assert (shop["appId"], shop["sessions"], shop["events"]) == ("shop", 2, 2 * len(events))
    assert shop["bytes"] == 2 * bank["bytes"] > 0
    assert usage["estimated"] is False


async def test_storage_is_for_admins_of_every_app(api: ApiClient, api_keys: ApiKeys) -> None:
    assert (await api.get("/api/storage")).status == 403
    await api_keys.create("bound", "sv_bound", ("admin",), app_id="shop")
    answer = await api.get("/api/storage", key="sv_bound")
    assert (answer.status, answer.json["code"]) == (403, "app_forbidden")


async def test_storage_counts_no_table_twice_when_asked_by_many(api: ApiClient) -> None:
    first = await api.get("/api/storage", key="admin")
    await api.start()
    assert (await api.get("/api/storage", key="admin")).json == first.json
