"""Secrets that show by their form or their name: e-mail addresses, tokens, keys and passwords."""

from collections.abc import Iterator

from spectraview.ingest.scrubbing.spans import Budget, Span
from spectraview.ingest.scrubbing.syntax import (
    ALPHANUMERIC,
    BEYOND_ASCII,
    LETTER,
    any_of,
    compile_pattern,
    percent_encoded,
    whole_characters,
)

_LABEL = rf"(?:{any_of(ALPHANUMERIC + '-')}|{LETTER})+"
_DOT = rf"(?:{any_of('.')}|%2e)"
_EMAIL = compile_pattern(
    rf"(?:{any_of(ALPHANUMERIC + '_')}|{LETTER})"
    rf"(?:{any_of(ALPHANUMERIC + '_.+~-')}|{LETTER}|%2b)*"
    rf"(?:{any_of('@')}|{percent_encoded('40')})"
    rf"(?:{_LABEL}{_DOT})+((?:{any_of(ALPHANUMERIC[:52])}|{LETTER}){_LABEL})"
)
_FILE_ENDINGS = frozenset(
    b"png jpg jpeg gif svg webp avif bmp ico css scss less js mjs cjs jsx tsx json html htm"
    b" woff woff2 ttf otf eot".split()
)
"""What follows an @ in names of files (logo@2x.png) and is no top-level domain."""

_NAME = any_of(ALPHANUMERIC + "_.-")
_TELLING = (
    "token|secret|passw(?:or)?d|passphrase|pwd|credential|signature|jwt|authorization|[cx]srf"
    "|(?:api|access|private|session)[_.-]?key|session[_.-]?id"
)
_BRIEF = "key|sig|code|sid|pass|pin|auth|otp|cvv|cvc"
_BRIEF_MEMBER = "sid|pass|pin|auth|otp|cvv|cvc"
_NAMED = rf"{_NAME}*(?:{_TELLING})(?:{_NAME}|[\[\]]|%5[bd])*"
_BEFORE_BRIEF = rf"(?:{any_of('?&;#')}|{percent_encoded('3f|26|3b|23')})(?:amp;)?"
_EQUALS = any_of("=")
_ENCODED_EQUALS = percent_encoded("3d")
_IN_VALUE = rf"{any_of(ALPHANUMERIC + '!$()*+,-./:=?@^_|~')}|{BEYOND_ASCII}"
_VALUE = rf"((?:{_IN_VALUE}|{any_of('%')})+)"
_ENCODED_VALUE = rf"((?:{_IN_VALUE}|%[013-9a-f][0-9a-f]|%2[0-24-57-9a-f])+)"
_STRING = r'(?:[^"\\]|\\.)'
_WORD = any_of(ALPHANUMERIC + "_-")
_BEFORE_KEY = r"(?:%[0-9a-f]{2}|\\[bfnrt]|\\u[0-9a-f]{4}|[^0-9a-z_+-])"
_KNOWN_KEYS = (
    rf"A[KS]IA[0-9A-Z]{{16}}|AIza{_WORD}{{35}}|ya29\.{_WORD}{{20,}}|gh[oprsu]_[0-9A-Za-z]{{36,}}"
    rf"|github_pat_{_WORD}{{22,}}|glpat-{_WORD}{{20,}}|npm_[0-9A-Za-z]{{36}}"
    rf"|xox[abeoprs]-{_WORD}{{10,}}|[prs]k_(?:live|test)_[0-9A-Za-z]{{16,}}"
    rf"|sk-(?:ant|proj|live)-{_WORD}{{20,}}|SG\.{_WORD}{{22}}\.{_WORD}{{43}}"
    rf"|sv_(?:ingest|read|admin){_WORD}{{30,}}"
)
_TOKEN = compile_pattern(
    "|".join(
        (
            # Authorization: Bearer …
            rf"(?:bearer|basic)(?: |\+|%20)+({any_of(ALPHANUMERIC + '._~+/=-')}{{8,}})",
            # ?access_token=…, also as a part of another URL's query
            rf"(?:{_NAMED}|{_BEFORE_BRIEF}(?:{_BRIEF}))"
            rf"(?:{_EQUALS}{_VALUE}|{_ENCODED_EQUALS}{_ENCODED_VALUE})",
            # "password": "…", also in JSON within a string
            rf'"(?:{_NAME}*(?:{_TELLING}){_NAME}*|{_BRIEF_MEMBER})"\s*:\s*"({_STRING}+)',
            rf'\\"(?:{_NAME}*(?:{_TELLING}){_NAME}*|{_BRIEF_MEMBER})\\"\s*:\s*\\"([^"\\]+)',
            # https://user:password@host
            rf"{any_of(':')}(?:{any_of('/')}){{2}}{_NAME}*{any_of(':')}"
            rf"((?:{any_of(ALPHANUMERIC + '!$&*+,.;=_|~%^-')}|{BEYOND_ASCII})+){any_of('@')}",
            # JWT (RFC 7519)
            rf"(?-i:({_WORD}*eyJ{_WORD}{{5,}}(?:{_DOT}{_WORD}{{5,}})(?:{_DOT}{_WORD}*)+))",
            rf"{_BEFORE_KEY}(?-i:({_KNOWN_KEYS}))",
        )
    )
)
_AUTHORIZATION_GROUP = 1
_VALUE_GROUP = 2
_LONGEST_STYLE_URL = 2048


def find_emails(raw: bytes, budget: Budget) -> Iterator[Span]:
    """Find e-mail addresses, also percent-encoded ones. Raises TooMuchToScrub."""
    place = 0
    while found := _EMAIL.search(raw, place):
        budget.spend()
        place = found.end()
        if raw[slice(*found.span(1))].lower() not in _FILE_ENDINGS:
            yield from _whole(raw, *found.span())


def find_tokens(raw: bytes, budget: Budget) -> Iterator[Span]:
    """Find tokens, keys and passwords. Raises TooMuchToScrub."""
    place = 0
    while found := _TOKEN.search(raw, place):
        budget.spend()
        group = found.lastindex or 0
        start, end = found.span(group)
        place = end
        if group == _AUTHORIZATION_GROUP and not _is_credential(raw[start:end]):
            continue
        if group == _VALUE_GROUP:
            end = _value_end(raw, found.start(), start, end)
        yield from _whole(raw, start, end)


def _whole(raw: bytes, start: int, end: int) -> Iterator[Span]:
    start = whole_characters(raw, start)
    if start < end:
        yield Span(start, end)


def _is_credential(text: bytes) -> bool:
    """Tell credentials from words: "bearer authentication" has neither digits nor padding."""
    return not text.isalpha()


def _value_end(raw: bytes, name: int, start: int, end: int) -> int:
    """Return where a parameter's value ends: not beyond the style sheet's url(…) that it is in."""
    begun = raw.rfind(b"url(", max(0, name - _LONGEST_STYLE_URL), name)
    if begun < 0 or b")" in raw[begun:start]:
        return end
    closed = raw.find(b")", start, end)
    return end if closed < 0 else closed
