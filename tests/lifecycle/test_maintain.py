"""`spectraview maintain` and `apps`, as a person runs them: beside a server, and without one."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from spectraview.embedded import running_addresses
from spectraview.lifecycle.retention import LOCK
from spectraview.storage.database import Database
from spectraview.storage.store import Store
from tests.faults.service import Service
from tests.lifecycle.days import rows_of, session_of, today

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the embedded servers may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-maintain-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
    """Run a command and return its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spectraview", *map(str, arguments)),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_maintain_drops_and_deletes_what_has_expired(
    store: Store, database: Database, database_url: str
) -> None:
    early = await session_of(store, database, days_ago=0, expires_in_hours=-1)
    old = await session_of(store, database, days_ago=4, expires_in_hours=-1)
    foreseen = await run("maintain", "--dry-run", DATABASE_URL=database_url)
    assert foreseen[0] == 0, foreseen
    assert "would delete 2 sessions" in foreseen[1]
    assert "sessions" in await rows_of(database, early)
    done = await run("maintain", DATABASE_URL=database_url, SPECTRAVIEW_KEEP_EXPIRED="true")
    assert done[0] == 0, done
    assert "deleted 2 sessions" in done[1]
    assert "kept the metadata of 2 sessions" in done[1]
    assert str(await today(database)) not in done[1]
    for session_id in (early, old):
        assert set(await rows_of(database, session_id)) == {"tombstones", "sessions_archive"}
    again = await run("maintain", DATABASE_URL=database_url)
    assert (again[0], "dropped no days\ndeleted 0 sessions\n" in again[1]) == (0, True)


async def test_maintain_waits_for_a_server_that_is_at_it(database_url: str) -> None:
    holder = psycopg2.connect(database_url)
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", (LOCK,))
    waiting = asyncio.create_task(run("maintain", DATABASE_URL=database_url))
    watcher = psycopg2.connect(database_url)
    watcher.autocommit = True
    with watcher.cursor() as cursor:
        tried = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        cursor.execute(tried)
        while cursor.fetchone() == (0,):
            await asyncio.sleep(0)
            cursor.execute(tried)
    assert not waiting.done()
    holder.close()
    watcher.close()
    assert (await waiting)[0] == 0


async def test_maintain_works_beside_a_server_and_without_one(data_dir: Path) -> None:
    without = await run("maintain", "--data-dir", data_dir)
    assert without[0] == 0, without
    assert running_addresses(data_dir) is None
    service = Service(data_dir)
    await service.start()
    try:
        beside = await run("maintain", "--data-dir", data_dir)
        assert beside == without
        assert (await run("maintain", "--dry-run", "--data-dir", data_dir))[0] == 0
    finally:
        await service.stop()


async def test_maintain_says_when_the_database_cannot_be_reached() -> None:
    code, _, errors = await run("maintain", DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert (code, errors.startswith("Error: The database can't be reached")) == (1, True)


async def test_the_life_of_an_apps_sessions_is_set_and_listed(database_url: str) -> None:
    to_database = {"DATABASE_URL": database_url}
    assert (await run("apps", "set", "shop", "--ttl-hours", 720, **to_database))[0] == 0
    assert (await run("apps", "list", **to_database))[1] == "shop\t720 hours\n"
    assert (await run("apps", "set", "shop", **to_database))[1] == "shop: default life\n"
    assert (await run("apps", "list", **to_database))[1] == ""
    assert (await run("apps", "set", "shop", "--ttl-hours", 0, **to_database))[0] == 2
    created = await run("keys", "create", "k", "--scope", "ingest", "--ttl-hours", 5, **to_database)
    assert created[0] == 0
    assert "\t5 hours\tactive\t" in (await run("keys", "list", **to_database))[1]
