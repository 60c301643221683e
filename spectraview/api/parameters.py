"""Query parameters: each is declared once, for what reads it and for the document of the API."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Generic, TypeVar

from aiohttp import web

from spectraview.config import Config
from spectraview.errors import InvalidParameter
from spectraview.keys import CONFIG

Schema = dict[str, object]

_LONGEST_TEXT = 200
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_LARGEST = 2_147_483_647
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Parameter(ABC, Generic[_Value]):
    """A query parameter; an empty one counts as missing."""

    name: str
    description: str

    def of(self, request: web.Request) -> _Value | None:
        """Return what a request says, None when it says nothing. Raises InvalidParameter."""
        text = request.query.get(self.name)
        if not text:
            return None
        try:
            return self.parse(text, request)
        except (ValueError, KeyError, OverflowError) as error:
            wanted = self.wanted(request)
            raise InvalidParameter(f"{self.name} must be {wanted}", where=self.name) from error

    @abstractmethod
    def parse(self, text: str, request: web.Request) -> _Value:
        """Return the value of a text, or raise ValueError, KeyError or OverflowError."""

    @abstractmethod
    def wanted(self, request: web.Request) -> str:
        """Say what the value must be."""

    @abstractmethod
    def schema(self, config: Config) -> Schema:
        """Return the JSON schema of the value."""


@dataclass(frozen=True, slots=True)
class Text(Parameter[str]):
    """Text without control characters; one with a `format` is opaque to clients."""

    format: str | None = None

    def parse(self, text: str, request: web.Request) -> str:
        text.encode()  # a lone surrogate is no character
        if len(text) > _LONGEST_TEXT or not re.fullmatch(_PRINTABLE, text):
            raise ValueError
        return text

    def wanted(self, request: web.Request) -> str:
        return f"at most {_LONGEST_TEXT} printable characters"

    def schema(self, config: Config) -> Schema:
        if self.format is not None:
            return {"type": "string", "format": self.format}
        return {"type": "string", "maxLength": _LONGEST_TEXT, "pattern": _PRINTABLE}


@dataclass(frozen=True, slots=True)
class Choice(Parameter[_Value]):
    """One of some words, each with its meaning."""

    choices: tuple[tuple[str, _Value], ...]

    def parse(self, text: str, request: web.Request) -> _Value:
        return dict(self.choices)[text]

    def wanted(self, request: web.Request) -> str:
        *others, last = (name for name, _ in self.choices)
        return f"{', '.join(others)} or {last}"

    def schema(self, config: Config) -> Schema:
        return {"type": "string", "enum": [name for name, _ in self.choices]}


def flag(name: str, description: str) -> Choice[bool]:
    """Return a parameter that is true or false."""
    words = (("true", True), ("false", False), ("1", True), ("0", False))
    return Choice(name, description, words)


@dataclass(frozen=True, slots=True)
class Whole(Parameter[int]):
    """A whole number within bounds; `most` may be one of the settings."""

    least: int = 0
    most: int | Callable[[Config], int] = _LARGEST

    def parse(self, text: str, request: web.Request) -> int:
        number = int(text) if _INTEGER.fullmatch(text) else None
        if number is None or not self.least <= number <= self.greatest(request.app[CONFIG]):
            raise ValueError
        return number

    def wanted(self, request: web.Request) -> str:
        return f"a whole number from {self.least} to {self.greatest(request.app[CONFIG])}"

    def schema(self, config: Config) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.greatest(config)}

    def greatest(self, config: Config) -> int:
        """Return the greatest value."""
        return self.most if isinstance(self.most, int) else self.most(config)


@dataclass(frozen=True, slots=True)
class Moment(Parameter[datetime]):
    """An ISO 8601 time; UTC unless it says otherwise.

    A date alone is the day's first moment, or with `end_of_day` its last.
    """

    end_of_day: bool = False

    def parse(self, text: str, request: web.Request) -> datetime:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a "+" in a query is a space
        if self.end_of_day and len(text) <= len("2024-12-31"):
            moment = datetime.combine(moment, time.max)
        # In UTC, since PostgreSQL knows no offset beyond 16 hours and Python does.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    def wanted(self, request: web.Request) -> str:
        return "a time in ISO 8601, such as 2024-12-31T23:59:59Z"

    def schema(self, config: Config) -> Schema:
        forms: list[Schema] = [{"format": "date-time"}, {"format": "date"}, {"maxLength": 0}]
        return {"anyOf": [{"type": "string"} | form for form in forms]}
