"""The benchmark of many sessions makes them as they would be recorded, and reads every list."""

import asyncio
from datetime import UTC, datetime

from bench.figures import Result
from bench.million import list_cases, measure_analytics, measure_lists
from bench.million_servers import fill
from bench.target import ApiKeys, Target
from spectraview.storage.database import Database
from tests.api_client import ApiClient

SESSIONS = 1000


def target_of(api: ApiClient) -> Target:
    """Return the application as the benchmark sees it."""
    url = api.client.make_url("/")
    assert url.host is not None
    assert url.port is not None
    keys = ApiKeys(api.keys["ingest"], api.keys["read"])
    return Target("tested", url.host, url.port, "", keys, "bench", "bench", {})


async def test_every_list_is_measured(
    api: ApiClient, database: Database, database_url: str
) -> None:
    await asyncio.to_thread(fill, database_url, SESSIONS)
    target = target_of(api)
    (lists,) = await asyncio.to_thread(measure_lists, [target], 1)
    analytics: Result = await asyncio.to_thread(measure_analytics, target)
    for case in list_cases(datetime.now(UTC)):
        assert lists.figure(f"{case} p95 ms") is not None
    assert len(analytics.figures) == 9
    assert (await api.get("/api/sessions")).json["total"] == SESSIONS
    shapes = await database.fetch_one(
        "SELECT count(*) FILTER (WHERE error_count > 0), count(*) FILTER (WHERE odd_clock),"
        " count(*) FILTER (WHERE ended_at IS NULL), count(DISTINCT day) FROM sessions"
    )
    assert shapes is not None
    with_errors, odd, live, days = shapes
    assert (0 < with_errors < 100, odd, live) == (True, 5, 5)
    assert days in (30, 31)
