"""What the API's tests share: a database for those that look only at their own sessions."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from spectraview.embedded import ServerAddresses
from tests.api.key_requests import Act
from tests.api_client import Answer, ApiClient
from tests.conftest import _TEMPLATE, _run_sql, _with_database


@pytest.fixture(scope="session")
def shared_database_url(servers: ServerAddresses) -> Iterator[str]:
    """A database for the whole run: a copy for each test would take most of the run's time."""
    name = f"test_{uuid4().hex}"
    _run_sql(servers.database_url, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield _with_database(servers.database_url, name)
    _run_sql(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def keys(api: ApiClient) -> Act:
    """Return what sends a request about keys, as an admin unless it says otherwise."""

    async def act(method: str, path: str = "", body: object = None, key: str = "admin") -> Answer:
        return await api.request(method, f"/api/keys{path}", body, key=key)

    return act
