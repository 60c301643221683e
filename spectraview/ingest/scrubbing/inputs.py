"""What visitors type: the texts of inputs in rrweb's snapshots, mutations and input events.

They are masked as rrweb's own `maskAllInputs` does it in the browser, and hidden inputs too.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from spectraview.ingest.scrubbing.spans import Budget, Span
from spectraview.ingest.scrubbing.syntax import compile_pattern
from spectraview.storage.codec import split_events

_SUSPECT = compile_pattern(r'"value"\s*:|"source"\s*:\s*5\b|"tagName"\s*:\s*"(?:textarea|option)"')
"""What stands in each event that tells the text of an input, and in few others."""

_PLACE = compile_pattern(
    r'"tagName"\s*:\s*"(?:input|textarea|select|option)"'
    r'|"attributes"\s*:\s*\[|"source"\s*:\s*5\b'
)
"""Where the reading of an event can begin: what is wanted follows, as rrweb writes its events."""

_STRING: Final = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_TOKEN = re.compile(
    rb'(?:"(?P<under>attributes|childNodes|node)"\s*:\s*)?(?P<open>[{\[])'
    rb"|(?P<close>[}\]])"
    rb'|"(?P<key>tagName|type|value|textContent|text|source|selected|id|parentId)"\s*:\s*'
    rb'(?:"(?P<text>' + _STRING + rb')"|(?P<number>[0-9]+)|(?P<true>true))?'
    rb'|"' + _STRING + rb'"',
    re.DOTALL,
)
_INPUT_EVENT: Final = b"5"
_TYPED_INTO: Final = (b"textarea", b"select")
_LABELS: Final = (b"button", b"submit", b"reset", b"image", b"checkbox", b"radio")
"""Types of inputs whose value is the page's own."""


@dataclass(slots=True)
class _Object:
    """An object or array while it is read: the members that matter, the objects in it that do, and
    its children's texts.
    """

    under: bytes | None = None
    members: dict[bytes, "re.Match[bytes]"] = field(default_factory=dict)
    inner: dict[bytes, "_Object"] = field(default_factory=dict)
    child_texts: list["re.Match[bytes]"] = field(default_factory=list)

    def value(self, key: bytes) -> bytes | None:
        """Return a string's or number's bytes, None if the member is neither or missing."""
        member = self.members.get(key)
        return (member["text"] or member["number"]) if member else None

    def span(self, key: bytes) -> Iterator[Span]:
        """Yield where a string's characters lie, if there are any."""
        member = self.members.get(key)
        if member and member["text"]:
            yield Span(*member.span("text"))


def find_input_texts(events: bytes, budget: Budget) -> Iterator[Span]:
    """Find what was typed, in a JSON array of events. Raises TooMuchToScrub."""
    suspect = _SUSPECT.search(events)
    end = 0
    for event in split_events(events) if suspect else ():
        start = events.index(b"{", end)
        end = start + len(event)
        if suspect and suspect.start() < end:
            yield from _EventReader(events, start, end, budget).find()
            suspect = _SUSPECT.search(events, end)


class _EventReader:
    """Finds what was typed in one event, the bytes of a JSON text from `start` to `end`."""

    def __init__(self, raw: bytes, start: int, end: int, budget: Budget) -> None:
        self._raw = raw
        self._start = start
        self._end = end
        self._budget = budget
        self._textareas: set[bytes | None] = set()
        self._added_texts: list[tuple[bytes | None, Span]] = []

    def find(self) -> list[Span]:
        """Return what was typed: read where inputs are, or all if it is not in rrweb's order."""
        spans: list[Span] = []
        start = self._start
        while place := _PLACE.search(self._raw, start, self._end):
            self._budget.spend()
            found = self._read_place(place.start())
            if found is None:
                return list(self._read_all())
            spans += found
            start = place.end()
        return spans

    def _read_place(self, start: int) -> list[Span] | None:
        """Return what an object tells from this member on, None if all must be read to know it."""
        around = _Object()
        stack = [around]
        spans: list[Span] = []
        for token in self._tokens(start):
            if token["close"] and len(stack) == 1:
                break
            spans += self._take(token, stack)
            if token["close"] and len(stack) == 1 and self._is_read(around):
                break
        spans += self._close(around, _Object())
        return spans if b"text" in around.members or self._is_read(around) else None

    def _is_read(self, element: _Object) -> bool:
        """Tell whether all was read that matters of an element."""
        if element.value(b"tagName") != b"textarea":
            return b"attributes" in element.inner
        return not self._adds_nodes and element.inner.keys() >= {b"attributes", b"childNodes"}

    def _read_all(self) -> Iterator[Span]:
        """Yield what the event tells, in whatever order its members are."""
        stack = [_Object()]
        for token in self._tokens(self._start):
            yield from self._take(token, stack)
        yield from (text for parent, text in self._added_texts if parent in self._textareas)

    @cached_property
    def _adds_nodes(self) -> bool:
        """Tell whether the event is a mutation, in which a textarea's text stands elsewhere."""
        return self._raw.find(b'"parentId"', self._start, self._end) >= 0

    def _take(self, token: "re.Match[bytes]", stack: list[_Object]) -> Iterable[Span]:
        if token["open"]:
            stack.append(_Object(token["under"]))
        elif token["close"]:
            closed = stack.pop()
            return self._close(closed, stack[-1])
        elif token["key"]:
            stack[-1].members[token["key"]] = token
        return ()

    def _tokens(self, start: int) -> Iterator["re.Match[bytes]"]:
        for token in _TOKEN.finditer(self._raw, start, self._end):
            self._budget.spend(1)
            yield token

    def _close(self, closed: _Object, parent: _Object) -> Iterator[Span]:
        """Yield what an object tells, now that all of it is known."""
        if closed.under is not None:
            parent.inner[closed.under] = closed
        if text := closed.members.get(b"textContent"):
            parent.child_texts.append(text)
        if closed.value(b"source") == _INPUT_EVENT:
            yield from closed.span(b"text")
        if node := closed.inner.get(b"node"):
            parent_id = closed.value(b"parentId")
            self._added_texts += ((parent_id, text) for text in node.span(b"textContent"))
        if attributes := closed.inner.get(b"attributes"):
            yield from self._attributes(closed, attributes)

    def _attributes(self, node: _Object, attributes: _Object) -> Iterator[Span]:
        """Yield what an element's attributes and children tell; an element without a name has
        changed, and may be an input.
        """
        tag = (node.value(b"tagName") or b"").lower()
        kind = (attributes.value(b"type") or b"").lower()
        if not tag or tag in _TYPED_INTO or (tag == b"input" and kind not in _LABELS):
            yield from attributes.span(b"value")
        if tag == b"option" and (chosen := attributes.members.get(b"selected")) and chosen["true"]:
            yield Span(*chosen.span("true"), b"false")
        if tag == b"textarea" and (children := node.inner.get(b"childNodes")):
            self._textareas.add(node.value(b"id"))
            yield from (Span(*text.span("text")) for text in children.child_texts if text["text"])
