"""Serves the console, the SDK, the demo shop and the pages of the API. No key is needed: they hold
nothing secret, and ask the API with keys of their own.
"""

import re
from collections.abc import Mapping
from html import escape

from aiohttp import web

from spectraview.api.requests import accepts_gzip
from spectraview.config import DEMO_AUTO, DEMO_OFF
from spectraview.errors import NotFound
from spectraview.keys import ASSETS, CONFIG, OPENAPI
from spectraview.web.assets import Asset, asset_of

_HASHED = re.compile(r"-[\w-]{8,}\.\w+$")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_MINUTES = "public, max-age=300, stale-while-revalidate=86400"

_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PAGE_HEADERS = {
    **_SAFE,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
}
"""A page shares no window with others, and asks for nothing that a recorded page could use."""

# A recorded page is hostile, and rrweb draws it into a frame that inherits this policy: it runs
# nothing and fetches nothing, from here neither. The console has its pictures in its script.
_CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; media-src data: blob:; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>SpectraView</title>
<style>body {{ font: 1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto }}</style>
<h1>{title}</h1><p>{text}</p></html>
"""


async def get_console(request: web.Request) -> web.Response:
    """Answer the console's page."""
    page = request.app[ASSETS].get("console/index.html")
    if page is None:
        return _not_built()
    policy = {"Content-Security-Policy": _CONSOLE_POLICY}
    return _answer(request, page, _PAGE_HEADERS | policy, _ASK_AGAIN)


async def get_console_asset(request: web.Request) -> web.Response:
    """Answer a file of the console."""
    return _answer_file(request, f"console/{request.match_info['path']}")


async def get_sdk(request: web.Request) -> web.Response:
    """Answer the SDK, which pages of any origin may load."""
    sdk = request.app[ASSETS].get("sdk/sdk.js")
    if sdk is None:
        return _not_built()
    headers = _SAFE | {"Cross-Origin-Resource-Policy": "cross-origin"}
    return _answer(request, sdk, headers, _MINUTES)


async def get_demo(request: web.Request) -> web.Response:
    """Answer the demo shop, which records itself with the demo's key."""
    key = request.app[CONFIG].demo_key
    if key in (DEMO_AUTO, DEMO_OFF):
        return _page(404, "There is no demo here", "SPECTRAVIEW_DEMO_KEY would turn it on.")
    page = request.app[ASSETS].get("demo/index.html")
    if page is None:
        return _not_built()
    text = page.body.decode().replace("{{key}}", escape(key, quote=True))
    headers = _PAGE_HEADERS | {"Content-Security-Policy": _DEMO_POLICY}
    return _answer(request, asset_of(text.encode(), "text/html"), headers, _ASK_AGAIN)


async def get_demo_asset(request: web.Request) -> web.Response:
    """Answer a file of the demo shop."""
    return _answer_file(request, f"demo/{request.match_info['path']}")


async def get_openapi(request: web.Request) -> web.Response:
    """Answer the document of the API."""
    return _answer(request, request.app[OPENAPI], _SAFE, _ASK_AGAIN)


async def get_docs(request: web.Request) -> web.Response:
    """Answer the page that shows the document of the API."""
    page = request.app[ASSETS].get("docs/index.html")
    if page is None:
        return _not_built()
    policy = {"Content-Security-Policy": _DOCS_POLICY}
    return _answer(request, page, _PAGE_HEADERS | policy, _ASK_AGAIN)


async def get_docs_asset(request: web.Request) -> web.Response:
    """Answer a file of that page."""
    return _answer_file(request, f"docs/{request.match_info['path']}")


def _answer_file(request: web.Request, path: str) -> web.Response:
    asset = request.app[ASSETS].get(path)
    if asset is None or asset.content_type == "text/html":  # pages have addresses of their own
        raise NotFound
    return _answer(request, asset, _SAFE, _FOR_EVER if _HASHED.search(path) else _ASK_AGAIN)


def _answer(
    request: web.Request, asset: Asset, headers: Mapping[str, str], caching: str
) -> web.Response:
    sent = {**headers, "Cache-Control": caching, "ETag": f'"{asset.etag}"'}
    if asset.gzipped is not None:
        sent["Vary"] = "Accept-Encoding"
    if any(tag.value in (asset.etag, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=sent)
    zipped = asset.gzipped if accepts_gzip(request) else None
    if zipped is not None:
        sent["Content-Encoding"] = "gzip"
    charset = "utf-8" if asset.content_type.startswith("text/") else None
    body = asset.body if zipped is None else zipped
    return web.Response(body=body, content_type=asset.content_type, charset=charset, headers=sent)


def _not_built() -> web.Response:
    text = "scripts/serve builds them, and says what went wrong. The API works without them."
    return _page(503, "The web pages are not built", text)


def _page(status: int, title: str, text: str) -> web.Response:
    headers = {
        **_PAGE_HEADERS,
        "Content-Security-Policy": _PAGE_POLICY,
        "Cache-Control": "no-store",
    }
    page = _PAGE.format(title=escape(title), text=escape(text))
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)
