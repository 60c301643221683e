"""GET /metrics tells whether a standby serves reads, how late it is, and why the primary read."""

import pytest

from spectraview.embedded import ServerAddresses
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.metrics_page import Samples, scrape, value
from tests.scale.standby import Standby, replica_of, until_it_has, until_usable

EVENT = {"type": 3, "data": {}, "timestamp": 1}
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
LISTS = 3


@pytest.fixture
def database_url(primary: ServerAddresses) -> str:
    """The primary's address."""
    return primary.database_url


def passed_over(samples: Samples) -> dict[str, float]:
    """Return what the primary read, by reason."""
    return {
        dict(labels)["reason"]: count
        for (name, labels), count in samples.items()
        if name == "spectraview_standby_passed_over_total"
    }


async def list_sessions(api: ApiClient) -> None:
    """Read the list some times."""
    for _ in range(LISTS):
        assert (await api.get("/api/sessions")).status == 200


async def test_what_the_standby_answers_is_counted(make_api: ApiFactory, standby: Standby) -> None:
    api = await make_api(database_read_url=standby.url, read_lag=60.0)
    await until_usable(replica_of(api))
    await list_sessions(api)
    samples = await scrape(api)
    assert value(samples, "standby_usable") == 1
    assert value(samples, "standby_reads_total") >= LISTS
    assert 0 < value(samples, "standby_lag_seconds") < 60
    assert passed_over(samples) == {}


async def test_a_late_standby_is_told_of(make_api: ApiFactory, standby: Standby) -> None:
    api = await make_api(database_read_url=standby.url, read_lag=0.5)
    await until_usable(replica_of(api))
    with standby.paused():
        await api.start()
        await until_usable(replica_of(api), usable=False)
        await list_sessions(api)
        samples = await scrape(api)
    assert value(samples, "standby_usable") == 0
    assert value(samples, "standby_lag_seconds") > 0.5
    assert passed_over(samples)["late"] >= LISTS


async def test_sessions_that_the_standby_lacks_batches_of_are_counted(
    make_api: ApiFactory, standby: Standby
) -> None:
    api = await make_api(database_read_url=standby.url, read_lag=60.0)
    session_id = await api.start()
    await until_it_has(replica_of(api), session_id, 0)
    before = passed_over(await scrape(api)).get("behind", 0)
    with standby.paused():
        await api.send(session_id, [EVENT])
        await api.replay(session_id)
        samples = await scrape(api)
    assert value(samples, "standby_usable") == 1
    assert passed_over(samples)["behind"] > before


async def test_a_silent_standby_is_told_of(make_api: ApiFactory, standby: Standby) -> None:
    api = await make_api(database_read_url=standby.url, read_lag=60.0)
    await until_usable(replica_of(api))
    with standby.frozen():
        await list_sessions(api)
        samples = await scrape(api)
    assert value(samples, "standby_usable") == 0
    assert passed_over(samples) == {"silent": LISTS}


async def test_a_standby_that_was_never_there_has_no_lag(make_api: ApiFactory) -> None:
    api = await make_api(database_read_url=NOWHERE)
    await list_sessions(api)
    samples = await scrape(api)
    assert value(samples, "standby_usable") == 0
    assert ("spectraview_standby_lag_seconds", frozenset()) not in samples
    assert passed_over(samples) == {"away": LISTS}


async def test_a_primary_in_its_place_is_told_of(
    make_api: ApiFactory, primary: ServerAddresses
) -> None:
    api = await make_api(database_read_url=primary.database_url)
    await list_sessions(api)
    assert passed_over(await scrape(api)) == {"promoted": LISTS}
