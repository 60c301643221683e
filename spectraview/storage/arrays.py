"""Writes PostgreSQL array literals: one text parameter a column costs less than one parse node an
element.
"""

from binascii import hexlify
from collections.abc import Iterable
from typing import Self


def plain_array(values: Iterable[object]) -> str:
    """Return the literal for values whose text needs no quotes (numbers, UUIDs); None is NULL."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def bytea_array(values: Iterable[bytes]) -> str:
    """Return the literal of a bytea[]."""
    return "{" + ",".join(f'"\\\\x{value.hex()}"' for value in values) + "}"


def text_array(values: Iterable[str | None]) -> str:
    """Return the literal of a text[]; None is NULL."""
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Bytea:
    """A bytea parameter that is written where it is made, such as in a thread: for large values."""

    def __init__(self, data: bytes) -> None:
        self._written = b"'\\x" + hexlify(data) + b"'"

    def __conform__(self, protocol: object) -> Self:
        return self

    def getquoted(self) -> bytes:
        """Return the literal, as psycopg2 asks for it."""
        return self._written
