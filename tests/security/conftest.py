"""What the tests of threats share: one database for all, and connections that speak no HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.api.conftest import shared_database_url
from tests.api_client import ApiClient
from tests.faults.service import Service
from tests.security.wire import Wire

__all__ = ["shared_database_url"]

Connect = Callable[[ApiClient], Awaitable[Wire]]
ServiceFactory = Callable[..., Awaitable[Service]]


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


@pytest.fixture
async def serve(
    shared_database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[ServiceFactory]:
    """Return a factory of services in processes of their own; its arguments are settings."""
    started: list[Service] = []

    async def start(**settings: str) -> Service:
        addresses = {"DATABASE_URL": shared_database_url, "REDIS_URL": redis_url}
        started.append(Service(tmp_path, addresses | settings, log=tmp_path / "log"))
        await started[-1].start()
        return started[-1]

    yield start
    for service in started:
        if service.running:
            await service.stop()
