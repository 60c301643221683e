"""What the tests of a session's life share."""

from collections.abc import Iterator

import pytest

from spectraview.storage.database import Database
from spectraview.storage.objects import Objects, open_objects
from tests.lifecycle.object_stores import ObjectStoreServer, folder, moto, seaweedfs
from tests.lifecycle.sealed import Sealed


@pytest.fixture
def sealed(database: Database) -> Sealed:
    """A database to seal sessions in."""
    return Sealed(database)


_STORES = {"seaweedfs": seaweedfs, "moto": moto, "folder": folder}


@pytest.fixture(scope="module", params=list(_STORES))
def object_store(request: pytest.FixtureRequest) -> Iterator[ObjectStoreServer]:
    """An object store of each kind."""
    with _STORES[request.param]() as server:
        yield server


@pytest.fixture
def objects(object_store: ObjectStoreServer, monkeypatch: pytest.MonkeyPatch) -> Objects:
    """The object store, opened as a server does."""
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    opened = open_objects(object_store.url)
    assert opened is not None
    return opened
