"""`spectraview doctor` sees whether all of a cluster is served, and how late standbys are."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spectraview.config import Config
from spectraview.diagnosis import redis, standbys
from spectraview.diagnosis.examination import opened
from spectraview.diagnosis.findings import Deployment, Level
from spectraview.embedded import ServerAddresses
from tests.conftest import _run_sql
from tests.scale.standby import Standby
from tests.scale.valkey_cluster import ValkeyCluster

_PATIENCE = 20.0


def test_a_cluster_with_a_master_missing_is_a_problem(
    cluster: ValkeyCluster, database_url: str, tmp_path: Path
) -> None:
    config = Config(database_url=database_url, redis_url=cluster.url)
    with opened(config, tmp_path, {}, None) as (place, found):
        assert found == []
        assert redis.redis_cluster(place).message == "16384 of 16384 slots are served by 3 masters"
        cluster.kill(2)
        try:
            deadline = time.monotonic() + _PATIENCE
            while redis.redis_cluster(place).level is Level.OK:
                assert time.monotonic() < deadline
        finally:
            cluster.restart(2)


@pytest.fixture
def place(primary: ServerAddresses, standby: Standby, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment that reads from a standby."""
    config = Config(
        database_url=primary.database_url,
        database_read_url=standby.url,
        redis_url="redis://127.0.0.1:1",
        read_lag=0.1,
    )
    with opened(config, tmp_path, {}, None) as (place, _):
        yield place


def test_a_standby_that_is_late_is_warned_of(
    place: Deployment, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    with standby.paused():
        deadline = time.monotonic() + _PATIENCE
        while standbys.read_standby(place).level is Level.OK:
            _run_sql(place.config.database_url, "SELECT pg_logical_emit_message(false, 'a', 'b')")
            assert time.monotonic() < deadline
        assert standbys.read_standby(place).level is Level.WARNING
        monkeypatch.setattr(standbys, "_STANDBY_BYTES", 0)
        found = standbys.replication(place)
        assert (found.level, found.message.startswith("the standby ")) == (Level.WARNING, True)
    deadline = time.monotonic() + _PATIENCE
    while standbys.read_standby(place).level is not Level.OK:
        assert time.monotonic() < deadline


def test_what_is_no_standby_or_does_not_answer_is_told(
    primary: ServerAddresses, tmp_path: Path
) -> None:
    levels = []
    for url in (primary.database_url, "postgresql://127.0.0.1:1/none"):
        config = Config(database_url=primary.database_url, database_read_url=url)
        with opened(config, tmp_path, {}, None) as (place, _):
            levels.append(standbys.read_standby(place).level)
    assert levels == [Level.PROBLEM, Level.WARNING]
