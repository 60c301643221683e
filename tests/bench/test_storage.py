"""The benchmark of storage measures sealed sessions, and leaves nothing behind."""

from pathlib import Path

from spectraview.storage.database import Database
from tests.api_client import ApiClient
from tests.bench.test_bench import read_results, run_bench


async def test_what_is_sealed_is_measured_and_nothing_is_left(
    api: ApiClient, database: Database, database_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    status, printed = await run_bench(api, report, "storage", "--database-url", database_url)
    assert status == 0, printed
    figures = read_results(report)["storage"]["figures"]
    assert 0 < figures["segments MB"] < figures["JSON MB"] / 5
    assert figures["specification's tables MB"] > figures["JSON MB"]
    left = await database.fetch_all("SELECT 1 FROM pg_database WHERE datname LIKE 'bench_%%'")
    assert left == []
