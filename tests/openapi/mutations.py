"""Requests made of the document's examples and broken at random, in every place."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

_TEXTS = (
    "", "null", "\0", "'", '"', "%", "\\", "../..", "😀" * 60, "x" * 300, "-1", "1e309", "NaN", "*",
    "2024-12-31", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-23:59", "true", "{}", "\u2028",
    "1; DROP TABLE sessions", "%00", "\x7f", " ", "a,b", "shop", "\r\nX: y",
)  # fmt: skip
_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 1e308, -0.0, 0.5, 99_999_999_999)
_VALUES: tuple[Any, ...] = (None, True, False, [], {}, [[[[]]]], "\ud800", *_TEXTS, *_NUMBERS)
_HEADERS = ("Origin", "Range", "Accept-Encoding", "If-None-Match", "X-Request-Id", "Authorization")
_ENCODINGS = ("gzip", "deflate", "identity", "br", "")
_NEVER = ("delete_user", "revoke_key")
"""What would take the sessions and the keys away that all other requests use."""

_FIRST_KEY = 10
"""Those before are the database's and the service's own, which the requests are made with."""


@dataclass(frozen=True, slots=True)
class FuzzedRequest:
    """A request as it is sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = field(repr=False)


class RequestMaker:
    """Makes requests, always the same for the same seed."""

    def __init__(
        self,
        document: Mapping[str, Any],
        sessions: Sequence[UUID],
        keys: Mapping[str, str],
        random: Random,
    ) -> None:
        self._operations = [
            (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if operation["operationId"] not in _NEVER
        ]
        self._sessions = [str(session_id) for session_id in sessions]
        self._keys = dict(keys)
        self._random = random

    def make(self) -> FuzzedRequest:
        """Return the next request."""
        method, path, operation = self._random.choice(self._operations)
        query: list[tuple[str, str]] = []
        headers: dict[str, str] = {"X-API-Key": self._key()}
        for parameter in operation["parameters"]:
            name = parameter["name"]
            if parameter["in"] == "path":
                value = self._path_value(name, method)
                path = path.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
            elif self._chance(0.3):
                value = self._value(parameter["schema"])
                if parameter["in"] == "query":
                    query.append((name, value))
                else:
                    headers[name] = _header_text(value)
        if self._chance(0.2):
            headers[self._random.choice(_HEADERS)] = _header_text(self._random.choice(_TEXTS))
        body = self._body(operation, headers)
        target = f"{path}?{urlencode(query, errors='replace')}" if query else path
        return FuzzedRequest(method, target, headers, body)

    def _key(self) -> str:
        if self._chance(0.9):
            return self._keys["admin"]
        return self._random.choice((*self._keys.values(), "wrong", "x" * 200))

    def _path_value(self, name: str, method: str) -> str:
        if self._chance(0.1):
            return self._random.choice(_TEXTS) or "%"
        if name == "session_id":
            spared = method == "DELETE" or self._chance(0.2)
            return str(self._uuid()) if spared else self._random.choice(self._sessions)
        return str(self._random.randrange(_FIRST_KEY, 40)) if name == "key_id" else "nothing.js"

    def _value(self, schema: Mapping[str, Any]) -> str:
        if self._chance(0.5):
            return self._random.choice(_TEXTS)
        if "enum" in schema:
            return str(self._random.choice(schema["enum"]))
        return str(self._random.choice((*_NUMBERS, self._random.randrange(100), "2026-01-01")))

    def _body(self, operation: Mapping[str, Any], headers: dict[str, str]) -> bytes | None:
        content = operation.get("requestBody", {}).get("content")
        if content is None:
            return None
        value: Any = json.loads(json.dumps(content["application/json"]["example"]))
        if "sessionId" in value:
            value["sessionId"] = str(self._uuid())
        for _ in range(self._random.choice((0, 0, 1, 1, 2, 5))):
            value = self._broken(value)
        text = json.dumps(value).encode()
        if self._chance(0.2):
            text = self._garbled(text)
        return self._encoded(text, headers)

    def _broken(self, value: Any) -> Any:
        """Return the value with something else somewhere in it."""
        if self._chance(0.3) or not isinstance(value, dict | list) or not value:
            return self._random.choice(_VALUES)
        if isinstance(value, list):
            place = self._random.randrange(len(value))
            return [*value[:place], self._broken(value[place]), *value[place + 1 :]]
        name = self._random.choice(list(value))
        if self._chance(0.2):
            return {key: member for key, member in value.items() if key != name}
        if self._chance(0.2):
            return value | {self._random.choice(_TEXTS): self._random.choice(_VALUES)}
        return value | {name: self._broken(value[name])}

    def _garbled(self, text: bytes) -> bytes:
        place = self._random.randrange(len(text) + 1)
        noise = self._random.randbytes(self._random.randrange(4))
        return text[:place] + noise + text[place + self._random.randrange(4) :]

    def _encoded(self, text: bytes, headers: dict[str, str]) -> bytes:
        headers.pop("Content-Encoding", None)
        if self._chance(0.7):
            return text
        encoding = self._random.choice(_ENCODINGS)
        headers["Content-Encoding"] = encoding
        packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text)}.get(encoding, text)
        return self._garbled(packed) if self._chance(0.2) else packed

    def _uuid(self) -> UUID:
        return UUID(int=self._random.getrandbits(12) << 64, version=4)

    def _chance(self, of_one: float) -> bool:
        return self._random.random() < of_one


def _header_text(value: str) -> str:
    """Return a text that an HTTP client can send as a header."""
    return "".join(letter for letter in value if " " <= letter <= "~")
