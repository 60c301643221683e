"""`spectraview doctor` sees whether all of a cluster is served."""

import time
from pathlib import Path

from spectraview.config import Config
from spectraview.diagnosis import redis
from spectraview.diagnosis.examination import opened
from spectraview.diagnosis.findings import Level
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
