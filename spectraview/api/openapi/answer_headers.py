"""The headers of answers: what each means, and which come with which answer."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from spectraview.api.openapi.schemas import Schema

_LIMIT = r'"(minute|(requests|bytes|events)-a-day)";r=[0-9]+(;t=[0-9]+)?'

ANSWER_HEADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "X-Request-Id": (
        "Under which id the logs know the request: the one that it came with, or a new one.",
        {"type": "string", "pattern": "^[A-Za-z0-9._:-]{8,64}$"},
    ),
    "RateLimit": (
        "What the key has left (draft-ietf-httpapi-ratelimit-headers): of each limit its name, as"
        " `r` how many more requests, bytes or events, as `t` the seconds until it starts anew.",
        {"type": "string", "pattern": f"^{_LIMIT}(, {_LIMIT})*$"},
    ),
    "Retry-After": (
        "Send the same again after so many seconds.",
        {"type": "integer", "minimum": 1},
    ),
    "ETag": ("Names this state of it, for `If-None-Match`.", {"type": "string"}),
    "Cache-Control": ("How long it may be kept.", {"type": "string"}),
    "Content-Encoding": ("How it is compressed.", {"type": "string"}),
    "Content-Disposition": ("The name of the file to keep it as.", {"type": "string"}),
    "Allow": ("The methods of this address.", {"type": "string"}),
    "Accept-Encoding": ("How a body may be compressed.", {"type": "string"}),
    "Upgrade": ("What this address speaks.", {"type": "string"}),
}
"""Headers of answers, with their meaning and schema."""

_OF_EVERY_ANSWER = ("X-Request-Id",)
_OF_A_KEYS_ANSWER = ("RateLimit",)
_OF_FAILURES: Mapping[HTTPStatus, tuple[str, ...]] = {
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow",),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("Accept-Encoding",),
    HTTPStatus.UPGRADE_REQUIRED: ("Upgrade",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}
_OPTIONAL = "{name}.optional"


def header_components() -> Schema:
    """Return the shared headers: each as an answer always has it, and as it may lack it."""
    components: Schema = {}
    for name, (description, schema) in ANSWER_HEADERS.items():
        header = {"description": description, "schema": schema}
        components[name] = header | {"required": True}
        components[_OPTIONAL.format(name=name)] = header
    return components


def reply_headers(names: Iterable[str], optional: Iterable[str], *, keyed: bool) -> Schema:
    """Return the headers of an answer that is no failure; `keyed`: it needs a key."""
    counted = _OF_A_KEYS_ANSWER if keyed else ()
    return _references((*_OF_EVERY_ANSWER, *counted, *names), optional)


def failure_headers(status: HTTPStatus, *, keyed: bool) -> Schema:
    """Return the headers of a failure: what fails before it is counted lacks what is left."""
    counted = _OF_A_KEYS_ANSWER if keyed else ()
    return _references((*_OF_EVERY_ANSWER, *_OF_FAILURES.get(status, ())), counted)


def headers_of_either(reply: Schema, failure: Schema) -> Schema:
    """Return the headers of a status that says a reply or a failure: one may lack the other's."""
    return {
        name: same if reply.get(name) == failure.get(name) else _reference(name, optional=True)
        for name, same in (failure | reply).items()
    }


def _references(names: Iterable[str], optional: Iterable[str]) -> Schema:
    return {name: _reference(name) for name in names} | {
        name: _reference(name, optional=True) for name in optional
    }


def _reference(name: str, *, optional: bool = False) -> Schema:
    component = _OPTIONAL.format(name=name) if optional else name
    return {"$ref": f"#/components/headers/{component}"}
