"""Requests above a limit wait their turn; nobody else does, and without Redis limits hold too."""

import asyncio
from uuid import UUID, uuid4

import pytest

from spectraview.access.api_keys import ApiKeys, new_key_text
from tests.api.samples import fault_of
from tests.api_client import Answer, ApiClient
from tests.conftest import ApiFactory

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


async def beat(api: ApiClient, session_id: UUID, key: str = "ingest") -> Answer:
    """Post a heartbeat."""
    return await api.post_events(session_id, {}, path="heartbeat", key=key)


async def test_the_101st_request_of_a_session_in_a_minute_is_refused(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_ingest=100)
    session_id, other = await api.start(), await api.start()
    answers = await asyncio.gather(*(beat(api, session_id) for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
    refused = await beat(api, session_id)
    assert fault_of(refused) == (429, "rate_limited", None)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert (await beat(api, other)).status == 200


async def test_a_page_may_read_that_it_was_refused(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1)
    await api.get("/api/sessions")
    answer = await api.get("/api/sessions", headers={"Origin": "https://shop.example"})
    assert answer.status == 429
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert {"Retry-After", "RateLimit"} <= answer.exposed


async def test_events_heartbeats_and_ends_are_counted_together(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_ingest=3)
    session_id = await api.start()
    answers = [
        await api.post_events(session_id, {}, path=path)
        for path in ("events", "heartbeat", "end", "events")
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]


async def test_two_keys_are_counted_apart(make_api: ApiFactory, api_keys: ApiKeys) -> None:
    api = await make_api(rate_limit_ingest=1)
    session_id = await api.start()
    key = new_key_text(("ingest",))
    await api_keys.create("another", key, ("ingest",))
    answers = [await beat(api, session_id, one) for one in ("ingest", "ingest", key)]
    assert [answer.status for answer in answers] == [200, 429, 200]


async def test_two_processes_count_together(make_api: ApiFactory) -> None:
    first, second = await make_api(rate_limit_read=2), await make_api(rate_limit_read=2)
    answers = [await api.get("/api/sessions") for api in (first, second, first)]
    assert [answer.status for answer in answers] == [200, 200, 429]


async def test_reads_are_counted_for_each_address(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1, trust_forwarded=True)
    answers = [
        await api.get("/api/sessions", headers={"X-Forwarded-For": address})
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.9, 10.0.0.3")
    ]
    assert [answer.status for answer in answers] == [200, 429, 200, 200]


async def test_an_address_that_a_client_claims_is_not_trusted(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1)
    answers = [
        await api.get("/api/sessions", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(2)
    ]
    assert [answer.status for answer in answers] == [200, 429]


async def test_reads_do_not_count_as_ingest(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1, rate_limit_ingest=1)
    session_id = await api.start()
    assert (await api.get(f"/api/sessions/{session_id}", key="admin")).status == 200
    assert (await beat(api, session_id, "admin")).status == 200


async def test_what_needs_no_key_has_no_limit(make_api: ApiFactory) -> None:
    api = await make_api(rate_limit_read=1)
    answers = [await api.get("/health", key=None) for _ in range(3)]
    assert {answer.status for answer in answers} == {200}


async def test_without_redis_everything_works(make_api: ApiFactory) -> None:
    api = await make_api(redis_url=NOBODY_LISTENS)
    events = [{"type": 3, "timestamp": n} for n in range(20)]
    session_id = await api.start()
    await api.send(session_id, events)
    assert (await beat(api, session_id)).status == 200
    assert (await api.replay(session_id))["events"] == events
    assert (await api.end(session_id)).status == 200
    info = (await api.get(f"/api/sessions/{session_id}")).json
    assert (info["stats"]["totalEvents"], info["viewers"]) == (20, None)
    assert (await api.get("/api/sessions")).status == 200


async def test_without_redis_the_service_is_degraded(make_api: ApiFactory) -> None:
    api = await make_api(redis_url=NOBODY_LISTENS)
    answer = await api.get("/health", key=None)
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert (answer.json["redis"], answer.json["database"]) == ("disconnected", "connected")


async def test_without_redis_limits_hold_in_the_process(make_api: ApiFactory) -> None:
    api = await make_api(redis_url=NOBODY_LISTENS, rate_limit_ingest=5)
    session_id, other = uuid4(), uuid4()
    answers = [await beat(api, session_id) for _ in range(6)]
    assert [answer.status for answer in answers] == [404] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert (await beat(api, other)).status == 404
