"""Makes the document of the API (OpenAPI 3.1) of the routes, the parsers' tables and the errors."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp.typedefs import Handler

import spectraview
from spectraview import errors
from spectraview.api.openapi.about import (
    ABOUT,
    KEY_SCHEMES,
    PATH_PARAMETERS,
    SECURITY_SCHEMES,
    TOKEN_SCHEMES,
)
from spectraview.api.openapi.administration import ADMINISTRATION
from spectraview.api.openapi.answer_headers import (
    failure_headers,
    header_components,
    headers_of_either,
    reply_headers,
)
from spectraview.api.openapi.answers import Error
from spectraview.api.openapi.key_operations import KEYS
from spectraview.api.openapi.operations import JSON, REQUEST_HEADERS, Content, Operation, Reply
from spectraview.api.openapi.pages import PAGES
from spectraview.api.openapi.reading import READING
from spectraview.api.openapi.recording import RECORDING
from spectraview.api.openapi.schemas import REFERENCE, Schema, schemas_of
from spectraview.api.responses import dumps
from spectraview.config import Config
from spectraview.errors import ApiError
from spectraview.web.assets import Asset, asset_of

OPERATIONS = {**RECORDING, **READING, **ADMINISTRATION, **KEYS, **PAGES}
"""What is said of each route, by its method and path."""

_UNDESCRIBED = Operation("Other", {200: Reply("See the README.")})
_TOKEN = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_GENERAL_ERRORS = (
    errors.InvalidRequest,
    errors.MethodNotAllowed,
    errors.HeadTooSlow,
    errors.HeadTooLarge,
    errors.ExpectationFailed,
    errors.TooManyConnections,
    errors.InternalError,
)
_KEY_ERRORS = (
    errors.Unauthorized,
    errors.Forbidden,
    errors.OriginForbidden,
    errors.RateLimited,
    errors.QuotaExceeded,
    errors.StoreUnavailable,
)


class Route(Protocol):
    """One address and what answers it."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def handler(self) -> Handler: ...
    @property
    def scope(self) -> str | None: ...
    @property
    def viewer_token(self) -> bool: ...


def make_document(routes: Sequence[Route], config: Config) -> Schema:
    """Return the document of these routes, with the limits of these settings."""
    described = [OPERATIONS.get((route.method, route.path), _UNDESCRIBED) for route in routes]
    schemas = _Schemas(described)
    paths: dict[str, Schema] = {}
    for route, operation in zip(routes, described, strict=True):
        item = paths.setdefault(_TOKEN.sub(r"{\1}", route.path), {})
        item[route.method.lower()] = _operation(route, operation, schemas, config)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SpectraView",
            "version": spectraview.__version__,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": header_components(),
            "examples": {kind().code: _error_example(kind) for kind in all_errors()},
            "securitySchemes": dict(SECURITY_SCHEMES),
        },
    }


def document_asset(routes: Sequence[Route], config: Config) -> Asset:
    """Return the document as it is sent; it is made once for each limit."""
    return _document_asset(tuple(routes), Config(max_list=config.max_list))


@lru_cache(maxsize=4)
def _document_asset(routes: tuple[Route, ...], config: Config) -> Asset:
    return asset_of(dumps(make_document(routes, config)).encode(), JSON)


def all_errors() -> list[type[ApiError]]:
    """Return every failure that a client can see."""
    kinds = (value for value in vars(errors).values() if isinstance(value, type))
    return [kind for kind in kinds if issubclass(kind, ApiError) and kind is not ApiError]


class _Schemas:
    """The schemas of all bodies, answers and messages, and the components that they refer to."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds = list(dict.fromkeys(kind for one in operations for kind in _kinds_of(one)))
        schemas, self.components = schemas_of([Error, *kinds])
        self.components["Error"]["properties"]["code"]["enum"] = sorted(
            kind().code for kind in all_errors()
        )
        self._schemas: dict[Any, Schema] = dict(zip(kinds, schemas[1:], strict=True))

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type that an operation names."""
        if isinstance(kind, tuple):
            return {"anyOf": [self._schemas[one] for one in kind]}
        return self._schemas[kind]


def _kinds_of(operation: Operation) -> Iterable[Any]:
    contents = [content for reply in operation.replies.values() for content in reply.contents]
    if operation.body is not None:
        contents.append(operation.body)
    kinds = [content.kind for content in contents if content.kind is not None]
    for kind in (*kinds, *operation.messages.values()):
        yield from kind if isinstance(kind, tuple) else (kind,)


def _operation(route: Route, operation: Operation, schemas: _Schemas, config: Config) -> Schema:
    summary, _, details = (route.handler.__doc__ or "").strip().partition("\n\n")
    description = operation.description or " ".join(details.split())
    answer: Schema = {
        "operationId": route.handler.__name__,
        "tags": [operation.tag],
        "summary": " ".join(summary.split()),
        "parameters": list(_parameters(route, operation, config)),
        "responses": _responses(route, operation, schemas),
        "security": _security(route),
    }
    if description:
        answer["description"] = description
    if operation.body is not None:
        answer["requestBody"] = _request_body(operation, operation.body, schemas)
    if operation.messages:
        answer["x-messages"] = {who: schemas.of(kind) for who, kind in operation.messages.items()}
    return answer


def _security(route: Route) -> list[Schema]:
    if route.scope is None:
        return []
    keys: list[Schema] = [{name: [route.scope]} for name in KEY_SCHEMES]
    return keys + ([{name: []} for name in TOKEN_SCHEMES] if route.viewer_token else [])


def _parameters(route: Route, operation: Operation, config: Config) -> Iterable[Schema]:
    for name in _TOKEN.findall(route.path):
        schema = PATH_PARAMETERS.get(name, {"type": "string"})
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for parameter in operation.parameters:
        yield {
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "allowEmptyValue": True,  # counts as missing
            "schema": parameter.schema(config),
        }
    for name in operation.headers:
        description, schema = REQUEST_HEADERS[name]
        yield {"name": name, "in": "header", "description": description, "schema": schema}


def _request_body(operation: Operation, body: Content, schemas: _Schemas) -> Schema:
    """Return the body as JSON, and as a beacon sends the same JSON."""
    content = {"schema": schemas.of(body.kind), "example": body.example}
    return {
        "required": operation.body_required,
        "content": {JSON: content, "text/plain": content},
    }


def _responses(route: Route, operation: Operation, schemas: _Schemas) -> Schema:
    keyed = route.scope is not None
    answers = {
        str(status): _reply(reply, schemas, keyed=keyed)
        for status, reply in operation.replies.items()
    }
    failures: dict[HTTPStatus, list[type[ApiError]]] = {}
    for kind in _errors_of(route, operation):
        failures.setdefault(kind.status, []).append(kind)
    for status, kinds in sorted(failures.items()):
        failure = _failure(status, kinds, keyed=keyed)
        known = answers.setdefault(str(status.value), failure)
        if known is failure:
            continue
        known["headers"] = headers_of_either(known["headers"], failure["headers"])
        if JSON not in known.get("content", {}):
            known.setdefault("content", {}).update(failure["content"])
    return answers


def _errors_of(route: Route, operation: Operation) -> Iterable[type[ApiError]]:
    kinds = [*operation.errors, *_GENERAL_ERRORS]
    if route.scope is not None:
        kinds += _KEY_ERRORS
    if "{" in route.path:
        kinds.append(errors.NotFound)
    if "{session_id}" in route.path:
        kinds.append(errors.InvalidSessionId)
    if operation.parameters:
        kinds.append(errors.InvalidParameter)
    return sorted(set(kinds), key=lambda kind: kind().code)


def _reply(reply: Reply, schemas: _Schemas, *, keyed: bool) -> Schema:
    answer: Schema = {
        "description": reply.description,
        "headers": reply_headers(reply.headers, reply.optional_headers, keyed=keyed),
    }
    for content in reply.contents:
        described: Schema = {} if content.kind is None else {"schema": schemas.of(content.kind)}
        if content.example is not None:
            described["example"] = content.example
        answer.setdefault("content", {})[content.media_type] = described
    return answer


def _failure(status: HTTPStatus, kinds: Sequence[type[ApiError]], *, keyed: bool) -> Schema:
    codes = [kind().code for kind in kinds]
    of_these = {"properties": {"code": {"enum": codes}}}
    return {
        "description": "; ".join(str(kind()) for kind in kinds),
        "headers": failure_headers(status, keyed=keyed),
        "content": {
            JSON: {
                "schema": {"allOf": [{"$ref": REFERENCE.format(name="Error")}, of_these]},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def _error_example(kind: type[ApiError]) -> Schema:
    error = kind()
    return {"summary": str(error), "value": {"error": str(error), "code": error.code}}
