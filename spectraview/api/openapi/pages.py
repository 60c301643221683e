"""The routes of the web pages."""

from collections.abc import Mapping

from spectraview import errors
from spectraview.api.openapi.operations import HTML, JSON, Content, Operation, Reply

_TAG = "Pages"
_CACHING = ("ETag", "Cache-Control")
_UNCHANGED = Reply("The browser has it already.", headers=_CACHING)
_NOT_BUILT = Reply("The web pages are not built.", (Content(media_type=HTML),))
_FILES = tuple(
    Content(media_type=media_type)
    for media_type in (
        "text/javascript",
        "text/css",
        "image/svg+xml",
        "image/png",
        "font/woff2",
        "application/manifest",
        "application/octet-stream",
        "text/plain",
    )
)


def _page(description: str) -> Operation:
    page = Reply(description, (Content(media_type=HTML),), _CACHING)
    replies = {200: page, 304: _UNCHANGED, 503: _NOT_BUILT}
    return Operation(_TAG, replies, headers=("If-None-Match",))


def _files(description: str) -> Operation:
    replies = {200: Reply(description, _FILES, _CACHING), 304: _UNCHANGED}
    return Operation(_TAG, replies, (errors.NotFound,), headers=("If-None-Match",))


PAGES: Mapping[tuple[str, str], Operation] = {
    ("GET", "/"): _page("The console."),
    ("GET", "/console/{path:.+}"): _files("A file of the console."),
    ("GET", "/sdk.js"): Operation(
        _TAG,
        {
            200: Reply("The SDK.", (Content(media_type="text/javascript"),), _CACHING),
            304: _UNCHANGED,
            503: _NOT_BUILT,
        },
        headers=("If-None-Match",),
    ),
    ("GET", "/demo"): Operation(
        _TAG,
        {
            200: Reply("The shop.", (Content(media_type=HTML),), _CACHING),
            304: _UNCHANGED,
            404: Reply("There is no demo here.", (Content(media_type=HTML),)),
            503: _NOT_BUILT,
        },
        headers=("If-None-Match",),
    ),
    ("GET", "/demo/{path:.+}"): _files("A file of the shop."),
    ("GET", "/api/openapi.json"): Operation(
        _TAG,
        {
            200: Reply("This document.", (Content(media_type=JSON),), _CACHING),
            304: _UNCHANGED,
        },
        headers=("If-None-Match",),
    ),
    ("GET", "/api/docs"): _page("This document, to be read."),
    ("GET", "/api/docs/{path:.+}"): _files("A file of the pages."),
}
