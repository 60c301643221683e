"""Masks what an API key's rules name, in any JSON text that a client sends."""

from collections.abc import Callable, Collection, Iterator
from typing import Final

from spectraview.ingest.scrubbing.cards import find_cards
from spectraview.ingest.scrubbing.inputs import find_input_texts
from spectraview.ingest.scrubbing.patterns import find_emails, find_tokens
from spectraview.ingest.scrubbing.spans import Budget, Span, mask

_Find = Callable[[bytes, Budget], Iterator[Span]]
_PATTERNS: Final[dict[str, _Find]] = {
    "cards": find_cards,
    "emails": find_emails,
    "tokens": find_tokens,
}
SCRUB_RULES: Final = ("inputs", *_PATTERNS)
_MAX_STEPS: Final = 1_000_000
"""About a second of work: real batches of 32 MiB take a fraction of it."""


class Scrubber:
    """Masks by some of the rules; what has nothing to be masked comes back as the same object.

    A text that is masked once stays as it is when it is masked again.
    """

    def __init__(self, rules: Collection[str] = (), max_steps: int = _MAX_STEPS) -> None:
        self._inputs = "inputs" in rules
        self._patterns = [find for rule, find in _PATTERNS.items() if rule in rules]
        self._max_steps = max_steps

    def scrub(self, raw: bytes) -> bytes:
        """Mask by the patterns, in any JSON text. Raises TooMuchToScrub."""
        return self._scrub_patterns(raw, Budget(self._max_steps))

    def scrub_events(self, raw: bytes) -> bytes:
        """Mask a JSON array of events. Raises TooMuchToScrub."""
        budget = Budget(self._max_steps)
        if self._inputs:
            raw = mask(raw, find_input_texts(raw, budget))
        return self._scrub_patterns(raw, budget)

    def _scrub_patterns(self, raw: bytes, budget: Budget) -> bytes:
        """Mask until nothing is found: without what was masked, more may show."""
        while True:
            spans = [span for find in self._patterns for span in find(raw, budget)]
            masked = mask(raw, spans) if spans else raw
            if masked is raw:
                return raw
            raw = masked
