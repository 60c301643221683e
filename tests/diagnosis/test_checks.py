"""Each check sees the state that it is for, on real servers that are put into it."""

import resource
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg2
import pytest
import redis as redis_client
from psycopg2.extensions import connection as Connection

from spectraview.config import Config
from spectraview.diagnosis import archive, database, machine, redis, standbys, upkeep
from spectraview.diagnosis.examination import opened
from spectraview.diagnosis.findings import Check, Deployment, Finding, Level
from spectraview.embedded import ServerAddresses
from spectraview.storage.objects import open_objects

Place = Callable[..., Deployment]


@pytest.fixture
def place(config: Config, tmp_path: Path) -> Iterator[Deployment]:
    """What is looked at: a healthy deployment, but for a PostgreSQL without fsync."""
    with opened(config, tmp_path, {}, None) as (deployment, found):
        assert found == []
        yield deployment


@pytest.fixture
def postgresql(place: Deployment) -> Connection:
    """A connection on which a test breaks things."""
    assert place.database is not None
    return place.database


@pytest.fixture
def valkey(place: Deployment) -> Iterator["redis_client.Redis"]:
    """A client on which a test sets what it wants; its settings are set back."""
    assert place.redis is not None
    names = ("maxmemory", "maxmemory-policy", "client-output-buffer-limit")
    before = {name: place.redis.config_get(name)[name] or "" for name in names}
    yield place.redis
    for name, value in before.items():
        place.redis.config_set(name, value)


def seen(check: Check, place: Deployment) -> tuple[Level, str]:
    """Return what a check finds; whoever is warned is told what to do."""
    finding = check(place)
    assert (finding.advice is None) == (finding.level is Level.OK)
    return finding.level, finding.message


def run(connection: Connection, statement: str) -> None:
    """Run a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


HEALTHY = [
    check
    for check in (
        *machine.CHECKS,
        *database.CHECKS,
        *standbys.CHECKS,
        *upkeep.CHECKS,
        *redis.CHECKS,
        *archive.CHECKS,
    )
    if check not in (database.durability, machine.open_files, machine.data_folder_space)
    if check is not database.postgresql_space
]


def test_a_healthy_deployment_is_told_so(place: Deployment) -> None:
    found = {check.__name__: check(place) for check in HEALTHY}
    assert {name: find for name, find in found.items() if find.level is not Level.OK} == {}


def test_a_postgresql_that_may_forget_is_a_problem(place: Deployment) -> None:
    level, message = seen(database.durability, place)
    assert level is Level.PROBLEM
    assert message.startswith("fsync is off, full_page_writes is off: ")


@pytest.mark.parametrize("check", [database.postgresql_clock, redis.redis_clock])
@pytest.mark.parametrize(
    ("ahead", "level"), [(0, Level.OK), (10, Level.WARNING), (60, Level.PROBLEM)]
)
def test_clocks_that_are_apart(place: Deployment, check: Check, ahead: int, level: Level) -> None:
    shifted = Deployment(
        place.config,
        place.folder,
        {},
        place.database,
        place.redis,
        now=lambda: time.time() + ahead,
    )
    assert seen(check, shifted)[0] is level


def test_migrations_that_are_missing_or_unknown(place: Deployment, postgresql: Connection) -> None:
    run(postgresql, "INSERT INTO schema_migrations (number, name) VALUES (999, 'later')")
    assert seen(database.schema, place)[0] is Level.WARNING
    run(postgresql, "DELETE FROM schema_migrations WHERE number = 3")
    level, message = seen(database.schema, place)
    assert (level, message) == (Level.PROBLEM, "the migrations 3 are not applied")


@pytest.mark.parametrize(("ahead", "level"), [(3, Level.WARNING), (1, Level.PROBLEM)])
def test_a_partition_that_is_missing(
    place: Deployment, postgresql: Connection, ahead: int, level: Level
) -> None:
    with postgresql.cursor() as cursor:
        cursor.execute(
            "SELECT 'session_events' || to_char((now() AT TIME ZONE 'UTC')::date + %s,"
            " '_YYYY_MM_DD')",
            (ahead,),
        )
        (name,) = cursor.fetchone() or ("",)
    run(postgresql, f"DROP TABLE {name}")
    found, message = seen(upkeep.partitions_ahead, place)
    assert (found, message) == (level, f"1 partitions are missing, the first is {name}")


def test_a_default_partition(place: Deployment, postgresql: Connection) -> None:
    run(postgresql, "CREATE TABLE stray PARTITION OF custom_events DEFAULT")
    level, message = seen(upkeep.default_partitions, place)
    assert (level, message) == (Level.PROBLEM, "there are default partitions: stray")


def test_sessions_that_wait_for_their_sealing(place: Deployment, postgresql: Connection) -> None:
    run(
        postgresql,
        "INSERT INTO sessions (app_id, ended_at, last_activity)"
        " VALUES ('shop', now(), now() - INTERVAL '5 hours')",
    )
    level, message = seen(upkeep.sealing, place)
    assert level is Level.WARNING
    assert message == "1 sessions wait for their sealing, for up to 5.0 hours"


def test_sessions_that_should_be_gone(place: Deployment, postgresql: Connection) -> None:
    run(
        postgresql,
        "INSERT INTO sessions (app_id, expires_at) VALUES ('shop', now() - INTERVAL '50 hours')",
    )
    level, message = seen(upkeep.retention, place)
    assert level is Level.PROBLEM
    assert message == "1 sessions expired up to 50 hours ago and are still there"


def test_analytics_that_are_old(place: Deployment, postgresql: Connection) -> None:
    run(postgresql, "UPDATE analytics_refreshes SET refreshed_at = now() - INTERVAL '9 hours'")
    level, message = seen(upkeep.analytics, place)
    assert (level, message) == (Level.WARNING, "the analytics are 9.0 hours old")


def test_a_replication_slot_that_nobody_reads(
    place: Deployment, postgresql: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(postgresql, "SELECT pg_create_physical_replication_slot('lonely', true)")
    try:
        assert seen(standbys.replication, place)[0] is Level.WARNING
        monkeypatch.setattr(standbys, "_SLOT_BYTES", -1)
        level, message = seen(standbys.replication, place)
        assert level is Level.PROBLEM
        assert message.startswith("nobody reads the replication slot lonely, for which ")
    finally:
        run(postgresql, "SELECT pg_drop_replication_slot('lonely')")


def test_autovacuum_that_is_off(
    place: Deployment, postgresql: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(postgresql, "ALTER TABLE sessions SET (autovacuum_enabled = false)")
    level, message = seen(database.vacuum, place)
    assert level is Level.WARNING
    assert message == "autovacuum is switched off for the table sessions"
    monkeypatch.setattr(database, "_OLD_XID", 0)
    assert seen(database.vacuum, place)[0] is Level.WARNING
    monkeypatch.setattr(database, "_ANCIENT_XID", 0)
    assert seen(database.vacuum, place)[0] is Level.PROBLEM
    try:
        run(postgresql, "ALTER SYSTEM SET autovacuum = off")
        run(postgresql, "SELECT pg_reload_conf()")
        deadline = time.monotonic() + 10
        while database.vacuum(place).message != "autovacuum is off":
            assert time.monotonic() < deadline
        assert seen(database.vacuum, place)[0] is Level.PROBLEM
    finally:
        run(postgresql, "ALTER SYSTEM RESET autovacuum")
        run(postgresql, "SELECT pg_reload_conf()")


def test_a_transaction_that_is_open_for_long(
    place: Deployment, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = psycopg2.connect(database_url)
    run(forgotten, "SELECT 1")
    assert seen(database.long_transactions, place)[0] is Level.OK
    monkeypatch.setattr(database, "_LONG_TRANSACTION", 0)
    level, message = seen(database.long_transactions, place)
    assert level is Level.WARNING
    assert message.endswith("(idle in transaction)")
    forgotten.close()


def test_more_connections_than_postgresql_allows(
    place: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = msgspec.structs.replace(place.config, workers=20)
    many = Deployment(config, place.folder, {}, place.database)
    level, message = seen(database.connections, many)
    assert level is Level.PROBLEM
    assert message.startswith("20 processes with 4 connections each may open 160, and PostgreSQL")
    monkeypatch.setattr(database, "_BUSY", 0)
    assert seen(database.connections, place)[0] is Level.WARNING


def test_indexes_for_texts_that_are_missing(place: Deployment, postgresql: Connection) -> None:
    run(postgresql, "DROP INDEX IF EXISTS idx_sessions_page")
    assert seen(database.search_indexes, place)[0] is Level.WARNING


@pytest.mark.parametrize("check", [machine.data_folder_space, database.postgresql_space])
def test_disks_that_are_full(
    place: Deployment, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_FULL", 0)
    monkeypatch.setattr(machine, "_NEARLY_FULL", 0)
    assert seen(check, place)[0] is Level.OK
    monkeypatch.setattr(machine, "_NEARLY_FULL", 1.1)
    assert seen(check, place)[0] is Level.WARNING
    monkeypatch.setattr(machine, "_FULL", 1.1)
    assert seen(check, place)[0] is Level.PROBLEM


def test_too_few_open_files(place: Deployment) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        level, message = seen(machine.open_files, place)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert level is Level.WARNING
    assert message.startswith("this shell allows 1024 open files")


def test_keys_that_others_can_read(place: Deployment) -> None:
    path = place.folder / "keys.json"
    path.touch(0o600)
    assert seen(machine.key_file, place)[0] is Level.OK
    path.chmod(0o640)
    assert seen(machine.key_file, place)[0] is Level.PROBLEM


def test_settings_that_do_not_fit(place: Deployment) -> None:
    config = msgspec.structs.replace(place.config, archive_after=5.0)
    environment = {"SPECTRAVIEW_TTL": "5"}
    level, message = seen(machine.settings, Deployment(config, place.folder, environment))
    assert level is Level.WARNING
    assert message == (
        "SPECTRAVIEW_TTL is no setting; ARCHIVE_AFTER=5 changes nothing without ARCHIVE_URL"
    )


def test_a_redis_that_evicts_nothing(place: Deployment, valkey: "redis_client.Redis") -> None:
    valkey.config_set("maxmemory-policy", "noeviction")
    level, message = seen(redis.eviction, place)
    assert (level, "noeviction" in message) == (Level.WARNING, True)
    valkey.config_set("maxmemory", "0")
    level, message = seen(redis.eviction, place)
    assert (level, "maxmemory is not set" in message) == (Level.WARNING, True)


def test_subscribers_that_are_cut_off_soon(place: Deployment, valkey: "redis_client.Redis") -> None:
    valkey.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
    level, message = seen(redis.pubsub_buffers, place)
    assert (level, message) == (
        Level.WARNING,
        "a subscriber is cut off with 1 MB waiting for it",
    )


def test_a_subscriber_that_does_not_keep_up(
    place: Deployment, valkey: "redis_client.Redis", servers: ServerAddresses
) -> None:
    with redis_client.Redis.from_url(servers.redis_url) as client:
        pubsub = client.pubsub()
        pubsub.subscribe("news")
        pubsub.get_message(timeout=5)
        # In small messages: large ones are shared, and not counted for each subscriber.
        with valkey.pipeline(transaction=False) as pipeline:
            for _ in range(1200):
                pipeline.publish("news", b"x" * 8000)
            pipeline.execute()
        level, message = seen(redis.pubsub_buffers, place)
        pubsub.close()
    assert (level, message.endswith("wait for a subscriber")) == (Level.WARNING, True)


def test_an_archive_that_cannot_be_written(place: Deployment, tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    objects = open_objects(f"file://{folder}")
    looked_at = Deployment(place.config, tmp_path, {}, objects=objects)
    assert seen(archive.archive, looked_at) == (
        Level.OK,
        "an object was written, read and deleted",
    )
    assert list(folder.iterdir()) == []
    shutil.rmtree(folder)
    folder.touch()
    level, message = seen(archive.archive, looked_at)
    assert (level, message.startswith("the archive can't be used: ")) == (Level.PROBLEM, True)


def test_servers_that_do_not_answer(tmp_path: Path) -> None:
    config = Config(database_url="postgresql://127.0.0.1:1/x", redis_url="redis://127.0.0.1:1")
    with opened(config, tmp_path, {}, None) as (place, found):
        assert (place.database, place.redis) == (None, None)
    levels: dict[str, Finding] = dict(found)
    assert levels["postgresql"].level is Level.PROBLEM
    assert levels["redis"].level is Level.PROBLEM
