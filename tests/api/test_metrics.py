"""GET /metrics: what is counted, who may read it, and that it stays bounded."""

from collections.abc import Mapping
from uuid import uuid4

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from spectraview.exposition.families import FAMILIES
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.metrics_page import parse, scrape, value
from tests.recordings import Event

TOKEN = "metrics-token-of-the-tests"


def event(number: int) -> Event:
    """Return an incremental event."""
    return {"type": 3, "data": {"source": 1, "number": number}, "timestamp": 1_700_000_000 + number}


async def test_every_batch_is_counted_through_all_stages(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0), event(1)])
    await api.send(session_id, [event(0), event(1)])
    samples = await scrape(api)
    assert value(samples, "batches_total") == 1
    assert value(samples, "duplicate_batches_total") == 1
    assert value(samples, "events_total") == 2
    assert value(samples, "event_json_bytes_total") > value(samples, "event_stored_bytes_total") > 0
    for stage in ("read", "parse", "commit_wait", "commit"):
        assert value(samples, "ingest_stage_seconds_count", stage=stage) >= 2, stage
    route = {"method": "POST", "route": "/api/sessions/{session_id}/events", "status": "200"}
    assert value(samples, "request_duration_seconds_count", **route) == 2
    assert value(samples, "request_duration_seconds_bucket", le="+Inf", **route) == 2
    assert value(samples, "database_up") == 1
    assert value(samples, "redis_up") == 1
    assert value(samples, "database_statement_seconds_count") > 0


async def test_what_viewers_are_shown_is_counted(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with api.watch(session_id) as viewer:
        await viewer.take(1)
        await api.send(session_id, [event(1), event(2)])
        await viewer.take(2)
        samples = await scrape(api)
    assert value(samples, "viewers") == 1
    assert value(samples, "watched_sessions") == 1
    assert value(samples, "live_batches_total") == 1
    assert value(samples, "live_delivered_events_total") == 2
    assert value(samples, "hub_seconds_count") == 1
    assert value(samples, "ingest_stage_seconds_count", stage="publish") >= 1


async def test_nothing_is_said_of_a_standby_where_there_is_none(api: ApiClient) -> None:
    assert not {name for name, _ in await scrape(api) if "standby" in name}


async def test_a_failure_is_counted_by_its_code_and_its_route(api: ApiClient) -> None:
    await api.get(f"/api/sessions/{uuid4()}")
    await api.get("/no/such/place")
    await api.request("PROPFIND", "/api/sessions", key=None)
    samples = await scrape(api)
    assert value(samples, "refused_total", code="session_not_found") == 1
    assert value(samples, "refused_total", code="not_found") == 1
    route = {"method": "GET", "route": "/api/sessions/{session_id}", "status": "404"}
    assert value(samples, "request_duration_seconds_count", **route) == 1
    other = {"method": "other", "route": "none", "status": "405"}
    assert value(samples, "request_duration_seconds_count", **other) == 1


async def test_a_refusal_by_rate_is_counted(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1)
    assert [(await api.get("/api/sessions")).status for _ in range(3)] == [200, 429, 429]
    assert value(await scrape(api), "refused_total", code="rate_limited") == 2


async def test_cache_hits_of_replays_are_counted(api: ApiClient) -> None:
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    for _ in range(3):
        await api.replay(session_id)
    samples = await scrape(api)
    hits, misses = (value(samples, f"replay_cache_{which}_total") for which in ("hits", "misses"))
    assert misses >= 1
    assert hits + misses == 3


async def test_scraping_counts_against_no_limit(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1)
    assert [
        (await api.request("GET", "/metrics", key=key)).status for key in ("read", None, "read")
    ] == [200, 200, 200]
    assert (await api.get("/api/sessions")).status == 200


async def test_every_family_is_on_the_page_and_no_other(api: ApiClient) -> None:
    text = (await api.request("GET", "/metrics", key=None)).json.decode()
    assert {family.name for family in parse(text)} == set(FAMILIES)


async def test_openmetrics_is_answered_to_who_asks_for_it(api: ApiClient) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = await api.request("GET", "/metrics", key=None, headers=accept)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in parse_openmetrics(answer.json.decode())}  # type: ignore[no-untyped-call]
    assert names == set(FAMILIES)


async def test_the_page_does_not_grow_with_sessions_and_addresses(api: ApiClient) -> None:
    for _ in range(2):
        before = len(await scrape(api))
    for number in range(30):
        await api.get(f"/api/sessions/{uuid4()}")
        await api.get(f"/scan/{number}", headers={"X-Forwarded-For": f"10.0.0.{number}"})
    grown = len(await scrape(api)) - before
    assert grown <= 60, "two routes with one status each, and two codes"


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_what_a_proxy_forwards_needs_a_key(api: ApiClient, name: str) -> None:
    answer = await api.request("GET", "/metrics", key=None, headers={name: "127.0.0.1"})
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("key", "status"), [("admin", 200), ("read", 403), ("ingest", 403), ("sv_unknown", 401)]
)
async def test_a_distant_reader_needs_an_admin_key(api: ApiClient, key: str, status: int) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"}
    assert (await api.request("GET", "/metrics", key=key, headers=headers)).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({}, 401),
    ],
)
async def test_a_token_is_asked_of_everybody(
    make_api: ApiFactory, headers: Mapping[str, str], status: int
) -> None:
    api = await make_api(metrics_token=TOKEN)
    assert (await api.request("GET", "/metrics", key=None, headers=headers)).status == status


async def test_an_admin_key_does_instead_of_the_token(make_api: ApiFactory) -> None:
    api = await make_api(metrics_token=TOKEN)
    assert (await api.request("GET", "/metrics", key="admin")).status == 200


async def test_a_key_in_the_query_does_not_open_the_page(api: ApiClient) -> None:
    path = f"/metrics?apiKey={api.keys['admin']}"
    headers = {"Via": "1.1 proxy"}
    assert (await api.request("GET", path, key=None, headers=headers)).status == 401
