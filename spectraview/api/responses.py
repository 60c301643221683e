"""How answers are written: JSON, errors always in the same form."""

from collections.abc import Mapping

import ujson
from aiohttp import web

from spectraview import errors
from spectraview.errors import ApiError

_KNOWN_STATUS: dict[int, type[ApiError]] = {
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    417: errors.ExpectationFailed,
}


def dumps(value: object) -> str:
    """Return the JSON of an answer."""
    return ujson.dumps(value, escape_forward_slashes=False, ensure_ascii=False)


def json_response(value: object, *, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return json_text_response(dumps(value).encode("utf-8", "surrogatepass"), status=status)


def json_text_response(
    text: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with JSON that is already text."""
    return web.Response(body=text, status=status, content_type="application/json", headers=headers)


def error_json(error: ApiError) -> dict[str, object]:
    """Return what went wrong: a message, a stable code, and the place of the fault if it has
    one.
    """
    answer: dict[str, object] = {"error": str(error), "code": error.code}
    if error.where is not None:
        answer["where"] = error.where
    return answer


def error_response(error: ApiError) -> web.Response:
    """Answer with what went wrong."""
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return json_text_response(error_text(error), status=error.status, headers=headers)


def error_text(error: ApiError) -> bytes:
    """Return the JSON of what went wrong."""
    return dumps(error_json(error)).encode("utf-8", "replace")


def http_error(error: web.HTTPException) -> ApiError:
    """Return what aiohttp has found wrong, as one of ours."""
    kind = _KNOWN_STATUS.get(error.status, errors.InvalidRequest)
    if error.status >= 500:
        kind = errors.InternalError
    allow = error.headers.get("Allow")
    return kind(headers={"Allow": allow} if allow else None)
