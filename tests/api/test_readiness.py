"""/health/ready and /metrics while PostgreSQL is away."""

from urllib.parse import urlsplit

from tests.conftest import ApiFactory
from tests.faults.proxy import FaultProxy
from tests.metrics_page import scrape, value


async def test_readiness_says_what_is_missing_and_metrics_go_on(
    make_api: ApiFactory, database_url: str
) -> None:
    port = urlsplit(database_url).port or 0
    async with FaultProxy(port) as line:
        api = await make_api(database_url=database_url.replace(f":{port}", f":{line.port}"))
        ready = await api.get("/health/ready", key=None)
        assert (ready.status, ready.json) == (200, {"status": "ready"})
        line.refuse()
        line.lose_connections()
        unready = await api.get("/health/ready", key=None)
        assert (unready.status, unready.json) == (
            503,
            {"status": "unready", "database": "disconnected"},
        )
        assert (await api.get("/health/live", key=None)).status == 200
        samples = await scrape(api)
        assert value(samples, "database_up") == 0
        assert value(samples, "database_outages_total") >= 1
        await line.heal()
        assert (await api.get("/health/ready", key=None)).status == 200
        assert value(await scrape(api), "database_up") == 1
