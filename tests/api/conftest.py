"""What the API's tests share: a database for those that look only at their own sessions."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from spectraview.embedded import ServerAddresses
from tests.conftest import _TEMPLATE, _run_sql, _with_database


@pytest.fixture(scope="session")
def shared_database_url(servers: ServerAddresses) -> Iterator[str]:
    """A database for the whole run: a copy for each test would take most of the run's time."""
    name = f"test_{uuid4().hex}"
    _run_sql(servers.database_url, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield _with_database(servers.database_url, name)
    _run_sql(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")
