r"""The parts that patterns over JSON text are made of.

The patterns run on JSON as it is sent, so each character of theirs stands for all ways to write it:
itself, and escaped as \u0040. RE2 matches them in linear time, whatever the text, and without
holding the interpreter's lock.
"""

import re
from string import ascii_letters, digits
from typing import Protocol

import re2  # type: ignore[import-untyped]

ALPHANUMERIC = ascii_letters + digits
LETTER = r"(?:[\p{Latin}\p{Greek}\p{Cyrillic}]|\\u00[c-f][0-9a-f]|\\u0[1-5][0-9a-f]{2})"
"""A letter of an alphabet whose texts put spaces between words."""
BEYOND_ASCII = r"(?:[^\x00-\x7f]|\\u00[89a-f][0-9a-f]|\\u(?:0[1-9a-f]|[1-9a-f][0-9a-f])[0-9a-f]{2})"

_BACKSLASH = ord("\\")
_DFA_BYTES = 64 << 20
"""RE2's default is 8 MiB: with more states it falls back to an engine that is 50 times slower."""
_BEGUN_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_BEGUN_PERCENT = re.compile(rb"%[0-9a-fA-F]?\Z")
_PERCENT = re.compile(rb"%[0-9a-fA-F]{2}")


def any_of(characters: str) -> str:
    """Return the pattern for one of these ASCII characters, plain or as a JSON escape."""
    rows: dict[str, str] = {}
    for character in characters:
        code = f"{ord(character):02x}"
        rows[code[0]] = rows.get(code[0], "") + code[1]
    escapes = "|".join(f"{high}[{low}]" for high, low in rows.items())
    slash = r"|\\/" if "/" in characters else ""
    return rf"(?:[{re.escape(characters)}]|\\u00(?:{escapes}){slash})"


def percent_encoded(codes: str) -> str:
    """Return the pattern for characters of a URL within a URL, at any depth."""
    return f"%(?:25)*(?:{codes})"


class Match(Protocol):
    """What is used of RE2's matches; -1 is the start of a group that is not part of a match."""

    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def span(self, group: int = 0) -> tuple[int, int]: ...

    @property
    def lastindex(self) -> int | None: ...


class Pattern(Protocol):
    """What is used of RE2's patterns."""

    def search(
        self, text: bytes, pos: int | None = None, endpos: int | None = None
    ) -> Match | None: ...


def compile_pattern(pattern: str) -> Pattern:
    """Compile a pattern that disregards case."""
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = _DFA_BYTES
    compiled: Pattern = re2.compile(pattern.encode(), options)
    return compiled


def whole_characters(raw: bytes, start: int) -> int:
    r"""Return where the first whole character begins.

    A match may have begun within an escape: with the n of \n, the e9 of \u00e9, the D of %3D.
    """
    before = raw[max(0, start - 5) : start]
    if begun := _BEGUN_ESCAPE.search(before):
        backslash = start - len(begun[0])
        if _are_odd_backslashes(raw, backslash):
            return backslash + (6 if raw[backslash + 1 : backslash + 2] == b"u" else 2)
    elif begun := _BEGUN_PERCENT.search(before):
        percent = start - len(begun[0])
        if _PERCENT.match(raw, percent):
            return percent + 3
    return start


def _are_odd_backslashes(raw: bytes, last: int) -> bool:
    """Tell whether the last of these backslashes begins an escape: the others are pairs."""
    first = last
    while raw[first - 1] == _BACKSLASH:
        first -= 1
    return (last - first) % 2 == 0
