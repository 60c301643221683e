"""The headers of every answer that keep browsers from doing more with it than they should."""

from aiohttp import web

from spectraview.keys import SCOPES

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""What an answer gets that says nothing else of it: a page has a policy of its own."""

EXPOSED = (
    "X-Request-Id",
    "RateLimit",
    "Retry-After",
    "ETag",
    "Allow",
    "Accept-Encoding",
    "Content-Disposition",
)
"""What a page of another origin may read of an answer beyond what browsers show anyway."""

_EXPOSED_TEXT = ", ".join(EXPOSED)

_FOR_EVERY_PAGE = "cross-origin"


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Add what the answer itself doesn't say, and let pages of any origin read it: what they may
    do, their key says. A prepare signal.
    """
    headers = response.headers
    headers.popall("Server", None)  # nobody needs to know what serves
    if response.status == 101:
        return
    # A page's beacon is no CORS request, and its answer would be told as an error there.
    if request.app[SCOPES].get(request.match_info.handler) == "ingest":
        headers.setdefault("Cross-Origin-Resource-Policy", _FOR_EVERY_PAGE)
    for name, value in SAFE.items():
        headers.setdefault(name, value)
    origin = request.headers.get("Origin")
    if origin is not None:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = _EXPOSED_TEXT
        headers.add("Vary", "Origin")
