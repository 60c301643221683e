"""Engines that SpectraView grows onto."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spectraview.embedded import EmbeddedServers, ServerAddresses
from tests.conftest import make_schema
from tests.scale.standby import Standby
from tests.scale.valkey_cluster import ValkeyCluster, running_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """Three masters, shared by the tests of a module."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    with running_cluster(folder) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def primary() -> Iterator[ServerAddresses]:
    """A PostgreSQL of the module's own, with the schema and the keys of the tests."""
    with open_folder() as folder, EmbeddedServers(folder, {"fsync": "off"}, cache=False) as servers:
        make_schema(servers.database_url)
        yield servers


@pytest.fixture(scope="module")
def standby(primary: ServerAddresses) -> Iterator[Standby]:
    """Its streaming standby."""
    with open_folder() as folder:
        standby = Standby(primary.database_url, folder)
        yield standby
        standby.stop()


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that servers of another account reach."""
    with tempfile.TemporaryDirectory(prefix="spectraview-scale-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
