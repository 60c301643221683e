"""Numbers of payment cards, told from other numbers by issuer, length and check digit."""

import re
from collections.abc import Iterator
from itertools import pairwise

from spectraview.ingest.scrubbing.spans import Budget, Span
from spectraview.ingest.scrubbing.syntax import compile_pattern

_LEAD = r"(?:%[0-9a-f]{2}|\\[bfnrt]|\\u[0-9a-f]{4}|[^0-9a-z.])"
_DIGIT = r"(?:[0-9]|\\u003[0-9])"
_FIRST = r"(?:[2-6]|\\u003[2-6])"
_SEPARATOR = r"(?:[ .+\x{a0}-]|%20|\\u00(?:20|2b|2d|2e|a0))"
_CARD = compile_pattern(
    rf"{_LEAD}({_FIRST}{_DIGIT}{{12,18}}"
    rf"|{_FIRST}{_DIGIT}{{3}}(?:{_SEPARATOR}{_DIGIT}{{4}}){{3}}"
    rf"|{_FIRST}{_DIGIT}{{3}}{_SEPARATOR}{_DIGIT}{{6}}{_SEPARATOR}{_DIGIT}{{4,5}})"
)
_GROUP = re.compile(rb"%20|\\u00[2aA][0-9a-eA-E]|((?:\\u003[0-9]|[0-9])+)")
_FOLLOWED = re.compile(rb"\.?(?:[0-9A-Za-z]|\\u003[0-9])")
_ISSUED = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    rb"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    rb"|3[47]\d{13}"  # American Express
    rb"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners Club
    rb"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    rb"|220[0-4]\d{12,15}"  # Mir
    rb"|(?:5[06-8]|6\d)\d{11,17}"  # Maestro, Discover, UnionPay, RuPay
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def find_cards(raw: bytes, budget: Budget) -> Iterator[Span]:
    """Find the digits of cards' numbers within strings; JSON's own numbers are left alone.

    Raises TooMuchToScrub.
    """
    strings = _Strings(raw)
    place = 0
    while found := _CARD.search(raw, place):
        budget.spend()
        start, end = found.span(1)
        groups = [Span(*part.span()) for part in _GROUP.finditer(raw, start, end) if part[1]]
        if _is_card(raw, groups, end) and (len(groups) > 1 or strings.hold(start, end)):
            yield from groups
            place = end
        else:
            place = start  # the second group may begin a card


def _is_card(raw: bytes, groups: list[Span], end: int) -> bool:
    separators = {raw[left.end : right.start] for left, right in pairwise(groups)}
    digits = b"".join(raw[group.start : group.end] for group in groups).replace(b"\\u003", b"")
    return (
        len(separators) <= 1
        and not _FOLLOWED.match(raw, end)
        and _ISSUED.fullmatch(digits) is not None
        and _has_check_digit(digits)
    )


def _has_check_digit(digits: bytes) -> bool:
    """Tell whether the last digit is right by Luhn's formula (ISO/IEC 7812)."""
    values = [digit - ord("0") for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


class _Strings:
    """Tells whether places of a JSON text, each after the last, lie within strings."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._place = 0
        self._within = False

    def hold(self, start: int, end: int) -> bool:
        """Tell whether digits belong to a string."""
        raw = self._raw
        if raw[start - 1 : start] == b'"' or raw[end : end + 1] == b'"':
            return True
        between = raw[self._place : start].replace(rb"\\", b"")
        self._within ^= (between.count(b'"') - between.count(rb"\"")) % 2 == 1
        self._place = start
        return self._within
