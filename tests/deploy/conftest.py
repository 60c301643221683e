"""nginx in front of three running applications."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer

from tests.api_client import ApiClient
from tests.conftest import KEYS, AppFactory
from tests.deploy.nginx import Nginx

PROCESSES = 3
Start = Callable[..., Awaitable[Nginx]]

_NGINX_OWN = (502, 503, 504)
"""What nginx answers itself, where no application does."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that nginx's workers may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-nginx-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def servers(make_app: AppFactory) -> AsyncIterator[list[TestServer]]:
    """Three running applications."""
    servers = [TestServer(make_app(trust_forwarded=True)) for _ in range(PROCESSES)]
    async with AsyncExitStack() as opened:
        for server in servers:
            await opened.enter_async_context(server)
        yield servers


@pytest.fixture
async def start_nginx(folder: Path, servers: list[TestServer]) -> AsyncIterator[Start]:
    """Start nginx in front of these ports, else of the three applications."""
    async with AsyncExitStack() as opened:

        async def start(ports: Sequence[int] = ()) -> Nginx:
            nginx = Nginx(folder / "nginx", ports or [port_of(server) for server in servers])
            opened.push_async_callback(nginx.stop)
            await nginx.start()
            return nginx

        yield start


@pytest.fixture
async def nginx(start_nginx: Start) -> Nginx:
    """The nginx in front of the three applications."""
    return await start_nginx()


@pytest.fixture
async def api(nginx: Nginx) -> AsyncIterator[ApiClient]:
    """A client that speaks the contract to nginx."""
    async with client_of(nginx) as client:
        yield client


@asynccontextmanager
async def client_of(nginx: Nginx) -> AsyncIterator[ApiClient]:
    """Open a client that speaks the contract to an nginx."""
    async with ClientSession(nginx.url, connector=TCPConnector(limit=0)) as http:
        yield ApiClient(cast("TestClient[web.Request, web.Application]", http), KEYS, _NGINX_OWN)


def port_of(server: BaseTestServer) -> int:
    """Return where a server listens."""
    assert server.port is not None
    return server.port
