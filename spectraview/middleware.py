"""What happens around every handler: errors are answered in one place, keys checked, requests
counted.
"""

import logging
import time

from aiohttp import web
from aiohttp.typedefs import Handler

from spectraview import errors
from spectraview.access.api_keys import ApiKey
from spectraview.access.viewer_tokens import InvalidViewerToken
from spectraview.api.limits import count_use
from spectraview.api.requests import accepts_gzip, session_id_of
from spectraview.api.responses import error_response, http_error
from spectraview.keys import (
    ADMISSION,
    API_KEY,
    API_KEYS,
    LEFT,
    PLACE,
    REQUEST,
    REQUESTS,
    SCOPES,
    TOKEN_HANDLERS,
    USAGE,
    VIEWER_TOKEN,
    VIEWER_TOKENS,
)
from spectraview.observability.log_context import REQUEST_ID, request_id_of
from spectraview.observability.tracing import request_span
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.objects import ObjectMissing, ObjectsUnavailable

logger = logging.getLogger(__name__)

_COMPRESS_FROM = 1024
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Content-Type, Content-Encoding, X-API-Key, Authorization, Idempotency-Key, If-None-Match,"
        " Last-Event-ID, X-Request-Id"
    ),
    "Access-Control-Max-Age": "86400",
}


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its id, and note how long it took. Live views and sockets last: they are
    only counted.
    """
    began = time.monotonic()
    request[REQUEST] = request_id = request_id_of(request.headers.get("X-Request-Id"))
    REQUEST_ID.set(request_id)
    requests, resource = request.app[REQUESTS], request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    method = request.method if request.method in _METHODS else "other"
    with request_span(f"{method} {route}", request.headers) as traced:
        response = await handler(request)
        if traced is not None:
            traced.set_attribute("http.response.status_code", response.status)
    if response.status == 101 or response.content_type == "text/event-stream":
        requests.upgraded[route] += 1
    else:
        requests.note(method, route, response.status, time.monotonic() - began)
    return response


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count a request while it runs; a client of a process that is about to stop shall come back to
    another one.
    """
    admission = request.app[ADMISSION]
    with admission.request() as place:
        request[PLACE] = place
        response = await handler(request)
    if admission.draining and not response.prepared:
        response.force_close()
    return response


@web.middleware
async def report_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with its status, a message and a stable code; a 500 tells nothing of its
    cause.
    """
    try:
        return await handler(request)
    except errors.ApiError as error:
        return _failed(request, error)
    except ObjectsUnavailable as error:
        logger.warning("the archive is away: %s", error)
        return _failed(request, errors.ArchiveUnavailable(retry_after=5))
    except ObjectMissing:  # logged where it was missed
        return _failed(request, errors.ArchivedDataMissing())
    except DatabaseUnavailable as error:
        logger.warning("PostgreSQL does not answer: %s", str(error).strip())
        return _failed(request, errors.StoreUnavailable(retry_after=2))
    except web.HTTPException as error:
        return _failed(request, http_error(error))
    except ConnectionResetError:
        logger.debug("the client of %s %s has gone", request.method, request.rel_url.raw_path)
        return web.Response()  # nobody gets it
    except Exception:
        # The raw path: in the other a client can break the line.
        logger.exception("%s %s failed", request.method, request.rel_url.raw_path)
        return _failed(request, errors.InternalError())


def _failed(request: web.Request, error: errors.ApiError) -> web.Response:
    request.app[REQUESTS].refused[error.code] += 1
    return error_response(error)


@web.middleware
async def answer_preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a browser's preflight: it carries no key, so what it may do shows only in the request
    itself.
    """
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204, headers=_PREFLIGHT_HEADERS)
    return await handler(request)


@web.middleware
async def compress_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Compress larger answers for clients that take gzip; aiohttp itself would disregard `q=0`."""
    response = await handler(request)
    body = response.body if isinstance(response, web.Response) else None
    if response.content_type != "application/json" or "Content-Encoding" in response.headers:
        return response  # files come compressed
    if isinstance(body, bytes) and len(body) >= _COMPRESS_FROM:
        response.headers.add("Vary", "Accept-Encoding")
        if accepts_gzip(request):
            response.enable_compression(web.ContentCoding.gzip)
    return response


@web.middleware
async def require_api_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through when its API key has the scope that its route asks for."""
    scope = request.app[SCOPES].get(request.match_info.handler)
    if scope is not None:
        key = await _find_key_or_token(request)
        if not key.allows(scope):
            raise errors.Forbidden(f"This API key lacks the scope {scope}")
        if not key.allows_origin(request.headers.get("Origin")):
            raise errors.OriginForbidden
        request[API_KEY] = key
        request[USAGE] = await count_use(request, key, scope)
    return await handler(request)


async def tell_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """Say under which id the logs know the request. A prepare signal."""
    request_id = request.get(REQUEST)
    if request_id is not None:
        response.headers["X-Request-Id"] = request_id


async def tell_what_is_left(request: web.Request, response: web.StreamResponse) -> None:
    """Say what the request's key may still do. A prepare signal."""
    left = request.get(LEFT)
    if left is not None:
        response.headers["RateLimit"] = left


async def _find_key_or_token(request: web.Request) -> ApiKey:
    text = _token_text(request)
    if text is None or request.match_info.handler not in request.app[TOKEN_HANDLERS]:
        return await _find_key(request)
    try:
        token = await request.app[VIEWER_TOKENS].check(text, session_id_of(request))
    except InvalidViewerToken as error:
        raise errors.Unauthorized(f"Unauthorized: {error}") from error
    if request.app[API_KEYS].has_ended(token.key_id):
        raise errors.Unauthorized("Unauthorized: the token's API key is revoked")
    request[VIEWER_TOKEN] = token
    return token.as_key()


def _token_text(request: web.Request) -> str | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text if kind.lower() == "bearer" else request.query.get("token")


async def _find_key(request: web.Request) -> ApiKey:
    text = request.headers.get("X-API-Key") or request.query.get("apiKey")
    key = await request.app[API_KEYS].find(text) if text else None
    if key is None:
        raise errors.Unauthorized("Unauthorized: unknown or revoked API key" if text else None)
    return key
