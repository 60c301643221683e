"""Engines that SpectraView grows onto."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scale.valkey_cluster import ValkeyCluster, running_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """Three masters, shared by the tests of a module."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    with running_cluster(folder) as cluster:
        yield cluster
