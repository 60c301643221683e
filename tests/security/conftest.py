"""What the tests of threats share: one database for all, and connections that speak no HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.api.conftest import shared_database_url
from tests.api_client import ApiClient
from tests.security.wire import Wire

__all__ = ["shared_database_url"]

Connect = Callable[[ApiClient], Awaitable[Wire]]


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return a factory of connections that are closed after the test."""
    opened: list[Wire] = []

    async def connect(api: ApiClient) -> Wire:
        assert api.client.port is not None
        opened.append(await Wire.open(api.client.port))
        return opened[-1]

    yield connect
    for wire in opened:
        await wire.close()
