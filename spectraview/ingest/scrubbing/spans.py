"""Pieces of JSON text that are to be masked: found by the rules, replaced all at once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from spectraview.errors import TooMuchToScrub

_MASK = b"*"
_COST_OF_MATCH = 8


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes of a JSON text, at least one: characters of a string, unless `instead` says what takes
    their place.
    """

    start: int
    end: int
    instead: bytes | None = None


class Budget:
    """Bounds the work on one text in steps of about a microsecond, so that no text that
    deflates well can hold up the others.
    """

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int = _COST_OF_MATCH) -> None:
        """Count steps, those of a match if not said otherwise. Raises TooMuchToScrub."""
        self._left -= steps
        if self._left < 0:
            raise TooMuchToScrub


def mask(raw: bytes, spans: Iterable[Span]) -> bytes:
    """Return the text with its spans masked, all other bytes as they are; the same object if that
    changes nothing.
    """
    pieces: list[bytes] = []
    done = 0
    for span in sorted(spans):
        start = max(span.start, done)
        if start < span.end:
            masked = _masked(raw[start : span.end]) if span.instead is None else span.instead
            pieces += raw[done:start], masked
            done = span.end
    masked_text = b"".join((*pieces, raw[done:]))
    return raw if masked_text == raw else masked_text


def _masked(characters: bytes) -> bytes:
    """Return as many asterisks as JavaScript counts characters.

    A player that selects text by its offsets must find as much of it as there was.
    """
    if characters.isascii() and b"\\" not in characters:
        return _MASK * len(characters)
    text: str = json.loads(b'"%b"' % characters)
    return _MASK * (len(text.encode("utf-16-le", "surrogatepass")) // 2)
