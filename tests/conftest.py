"""What all tests share: real servers, a database for each test, applications, clients and keys."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import psycopg2
import pytest
import redis
from aiohttp import web, web_app
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web_runner import BaseRunner

from spectraview.access.api_keys import ApiKeys
from spectraview.app import create_app
from spectraview.config import Config
from spectraview.embedded import EmbeddedServers, ServerAddresses
from spectraview.keys import CONFIG
from spectraview.serving.server import BoundedRunner
from spectraview.storage.cache import Cache
from spectraview.storage.database import Database
from spectraview.storage.migrate import migrate
from spectraview.storage.redis import RedisPipeline
from spectraview.storage.store import Store
from tests.api_client import ApiClient

_HURRIED = {"fsync": "off", "full_page_writes": "off"}
_TEMPLATE = "spectraview_template"
KEYS = {scope: f"sv_{scope}_for-the-tests" for scope in ("ingest", "read", "admin")}

AiohttpClient = Callable[
    [web.Application | TestServer], Awaitable[TestClient[web.Request, web.Application]]
]
AppFactory = Callable[..., web.Application]
ApiFactory = Callable[..., Awaitable[ApiClient]]


@pytest.fixture(scope="session")
def servers() -> Iterator[ServerAddresses]:
    """A PostgreSQL and a Valkey for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="spectraview-tests-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with EmbeddedServers(folder, _HURRIED) as addresses:
            _make_template(addresses.database_url)
            yield addresses
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_template(server_url: str) -> None:
    _run_sql(server_url, f"CREATE DATABASE {_TEMPLATE}")
    make_schema(_with_database(server_url, _TEMPLATE))


def make_schema(database_url: str) -> None:
    """Give an empty database the current schema and the three keys."""
    migrate(database_url)
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        for scope, text in KEYS.items():
            cursor.execute(
                "INSERT INTO api_keys (name, key_hash, scopes) VALUES (%s, sha256(%s), %s)",
                (scope, text.encode(), [scope]),
            )
    connection.close()


@pytest.fixture
def database_url(servers: ServerAddresses) -> Iterator[str]:
    """A database of the test's own, with the current schema and the three keys."""
    name = f"test_{uuid4().hex}"
    _run_sql(servers.database_url, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield _with_database(servers.database_url, name)
    _run_sql(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(servers: ServerAddresses) -> str:
    """An empty Valkey."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
def config(database_url: str, redis_url: str) -> Config:
    """Settings with the test's servers and rates that no test reaches by accident."""
    return Config(
        database_url=database_url,
        redis_url=redis_url,
        database_connections=4,
        rate_limit_ingest=1_000_000,
        rate_limit_read=1_000_000,
    )


@pytest.fixture
def make_app(config: Config) -> Iterator[AppFactory]:
    """Return a factory of applications on the same servers; its arguments change settings."""

    def make(**changes: object) -> web.Application:
        return create_app(msgspec.structs.replace(config, **changes))

    yield make
    # It keeps every application for ever: a megabyte a test, which slows the later ones down.
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture
def make_api(make_app: AppFactory, aiohttp_client: AiohttpClient) -> ApiFactory:
    """Return a factory of running applications, each with a client that speaks the contract.

    In this order, so that applications end before their database is dropped: one that connects just
    then would hold that up for a minute.
    """

    async def make(**changes: object) -> ApiClient:
        return ApiClient(await aiohttp_client(AppServer(make_app(**changes))), KEYS)

    return make


class AppServer(TestServer):
    """Serves an application as `spectraview serve` does, with its bounds on connections."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return BoundedRunner(self.app, self.app[CONFIG], **options)


@pytest.fixture
async def api(make_api: ApiFactory) -> ApiClient:
    """A running application and a client that speaks the contract."""
    return await make_api()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database."""
    async with Database(database_url, connections=2, timeout=10) as database:
        yield database


@pytest.fixture
def store(database: Database) -> Store:
    """A store on the test's database."""
    return Store(database)


@pytest.fixture
def api_keys(database: Database) -> ApiKeys:
    """The keys in the test's database."""
    return ApiKeys(database, lambda: 0.0)


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[Cache]:
    """A cache on the test's Valkey."""
    async with RedisPipeline(redis_url, lambda: 0.0) as pipeline:
        yield Cache(pipeline)


def _with_database(url: str, name: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{name}"


def _run_sql(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
