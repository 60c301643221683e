"""Holds answers to the document of the API, and lets them have no member that it does not name."""

import copy
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from spectraview.api.openapi.document import make_document
from spectraview.config import Config
from spectraview.routes import ROUTES

_JSON = "application/json"
_OPEN = ("StoredEvent", "StoredCustomEvent", "StoredError", "Error")
"""What clients have sent comes back with all its members; an error's schema is one of two."""
_METHODS = ("GET", "POST", "PATCH", "DELETE")
_SHOWN = 3


class Conformance:
    """The document, ready to compare answers with."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = {"components": _closed(document["components"])}
        self._paths = [(_pattern(path), item) for path, item in document["paths"].items()]
        self._validators: dict[int, Draft202012Validator] = {}

    def faults(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: Any
    ) -> list[str]:
        """Return in what an answer differs from the document; nothing for unknown addresses."""
        item = next((item for pattern, item in self._paths if pattern.fullmatch(path)), None)
        if item is None or method not in _METHODS or method.lower() not in item:
            return []
        answer = item[method.lower()]["responses"].get(str(status))
        if answer is None:
            return [f"the status {status} is not documented"]
        faults = list(self._header_faults(answer.get("headers", {}), headers))
        contents = answer.get("content")
        if contents is None or not body:
            return faults
        kind = headers.get("Content-Type", "").partition(";")[0]
        if kind not in contents:
            return [*faults, f"the type {kind} is not documented"]
        schema = contents[kind].get("schema")
        if kind == _JSON and schema is not None:
            faults += self._violations(schema, body)
        return faults

    def _header_faults(
        self, documented: dict[str, dict[str, str]], headers: Mapping[str, str]
    ) -> Iterator[str]:
        for name, reference in documented.items():
            header = self.document["components"]["headers"][reference["$ref"].rpartition("/")[2]]
            if name not in headers:
                if header.get("required"):
                    yield f"the header {name} is missing"
                continue
            sent, schema = headers[name], header["schema"]
            value = int(sent) if schema["type"] == "integer" and sent.isdecimal() else sent
            yield from (f"the header {name}: {fault}" for fault in self._violations(schema, value))

    def violations(self, schema: dict[str, Any], value: Any) -> list[str]:
        """Return in what a value differs from a schema of the document."""
        return list(self._violations(schema, value))

    def _violations(self, schema: dict[str, Any], value: Any) -> Iterator[str]:
        if id(schema) not in self._validators:
            whole = self._components | schema
            self._validators[id(schema)] = Draft202012Validator(whole, validate_formats=True)
        for number, error in enumerate(self._validators[id(schema)].iter_errors(value)):
            if number < _SHOWN:
                yield _text(error)


@cache
def the_conformance() -> Conformance:
    """Return that of the API; it is made once for all tests."""
    return Conformance(make_document(ROUTES, Config()))


def _pattern(path: str) -> re.Pattern[str]:
    named = path.replace("{path}", ".+").replace("{session_id}", "(?!start$)[^/]+")
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", named))


def _text(error: ValidationError) -> str:
    place = "/".join(map(str, error.instance_path))
    return f"{place}: {error.message}"


def _closed(components: dict[str, Any]) -> dict[str, Any]:
    """Return the components with schemas that take no other members."""
    closed = copy.deepcopy(components)
    for name, schema in closed["schemas"].items():
        if name not in _OPEN and schema.get("type") == "object":
            schema["additionalProperties"] = False
    return closed
