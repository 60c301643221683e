"""The console, the SDK and the demo shop are served without a key, safely and cacheably."""

import re
from pathlib import Path

import pytest

from spectraview.keys import ASSETS
from spectraview.web.assets import asset_of, read_assets
from tests.api_client import Answer, ApiClient
from tests.conftest import AiohttpClient, ApiFactory, AppFactory

FILES = {
    "console/index.html": b"<!doctype html><title>Console</title>",
    "console/assets/index-Bx12Yz_9.js": b"console.log(1);" * 100,
    "console/icon.svg": b"<svg/>",
    "sdk/sdk.js": b"window.SpectraView = {};" * 100,
    "demo/index.html": b'<script src="/sdk.js" data-key="{{key}}"></script>',
    "demo/demo.js": b"0;",
}


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of a few small files, which all applications of the test read."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setattr("spectraview.app.read_assets", lambda: read_assets(tmp_path))
    return tmp_path


@pytest.fixture
async def web(dist: Path, make_api: ApiFactory) -> ApiClient:
    return await make_api(demo_key="sv_ingest_demo")


async def fetch(web: ApiClient, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await web.request("GET", path, key=None, headers=named)


async def test_the_console_is_at_the_root_and_is_asked_for_again(web: ApiClient) -> None:
    answer = await fetch(web, "/")
    assert (answer.status, answer.json) == (200, FILES["console/index.html"])
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_console_may_run_and_fetch_nothing_from_elsewhere(web: ApiClient) -> None:
    policy = (await fetch(web, "/")).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:|\*", policy)


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(web: ApiClient) -> None:
    answer = await fetch(web, "/console/assets/index-Bx12Yz_9.js")
    assert answer.json == FILES["console/assets/index-Bx12Yz_9.js"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_other_files_are_asked_for_again(web: ApiClient) -> None:
    assert (await fetch(web, "/console/icon.svg")).headers["Cache-Control"] == "no-cache"


async def test_the_sdk_may_be_loaded_by_pages_of_every_origin(web: ApiClient) -> None:
    answer = await fetch(web, "/sdk.js", Origin="https://shop.example")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path", ["/", "/sdk.js", "/demo", "/demo/demo.js", "/console/icon.svg", "/api/openapi.json"]
)
async def test_no_answer_is_guessed_to_be_something_else(web: ApiClient, path: str) -> None:
    assert (await fetch(web, path)).headers["X-Content-Type-Options"] == "nosniff"


async def test_larger_files_come_gzipped_once(web: ApiClient) -> None:
    answer = await fetch(web, "/sdk.js", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < 200
    assert answer.json == FILES["sdk/sdk.js"]  # the client has inflated it
    assert "Content-Encoding" not in (await fetch(web, "/sdk.js", Accept_Encoding="")).headers


async def test_what_the_browser_has_is_not_sent_again(web: ApiClient) -> None:
    etag = (await fetch(web, "/sdk.js")).headers["ETag"]
    answer = await fetch(web, "/sdk.js", If_None_Match=f'"other", W/{etag}')
    assert (answer.status, answer.json) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/console/nothing.js",
        "/console/../sdk/sdk.js",
        "/console/%2e%2e/sdk/sdk.js",
        "/console//etc/passwd",
        "/console/index.html",
        "/demo/index.html",
    ],
)
async def test_nothing_else_is_served(web: ApiClient, path: str) -> None:
    assert (await fetch(web, path)).status == 404


async def test_the_demo_gets_its_key(web: ApiClient) -> None:
    answer = await fetch(web, "/demo")
    assert answer.json == b'<script src="/sdk.js" data-key="sv_ingest_demo"></script>'


@pytest.mark.parametrize("demo_key", ["auto", "off"])
async def test_without_a_key_there_is_no_demo(
    dist: Path, make_api: ApiFactory, demo_key: str
) -> None:
    answer = await fetch(await make_api(demo_key=demo_key), "/demo")
    assert answer.status == 404
    assert b"SPECTRAVIEW_DEMO_KEY" in answer.json


@pytest.mark.parametrize("path", ["/", "/sdk.js", "/demo", "/api/docs"])
async def test_without_a_build_the_pages_say_so_and_the_api_works(
    make_app: AppFactory, aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("spectraview.app.read_assets", dict)
    app = make_app(demo_key="sv_ingest_demo")
    web = ApiClient(await aiohttp_client(app), {})
    assert app[ASSETS] == {}
    answer = await fetch(web, path)
    assert answer.status == 503
    assert b"not built" in answer.json
    assert (await fetch(web, "/health")).status == 200


def test_small_files_and_images_are_not_compressed() -> None:
    assert asset_of(b"x" * 2000, "text/plain").gzipped is not None
    assert asset_of(b"x" * 100, "text/plain").gzipped is None
    assert asset_of(b"x" * 2000, "image/png").gzipped is None
