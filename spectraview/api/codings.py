"""Which content codings a client takes, and which of them it likes best (RFC 9110, 12.5.3)."""

from typing import Final

from aiohttp import web

from spectraview.replay.encodings import Encoding

_BEST_FIRST: Final[tuple[Encoding, ...]] = ("zstd", "gzip", "identity")


def accepted_encodings(request: web.Request) -> list[Encoding]:
    """Return the codings that a client takes, its dearest first; of those that weigh the same, the
    one that is best for both.

    `*` stands for gzip: who can't name zstd may not know it. Who takes nothing gets plain JSON.
    """
    weights: dict[str, float] = {}
    for entry in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, parameters = entry.partition(";")
        weights[coding.strip()] = _weight(parameters)
    weights.setdefault("gzip", weights.get("*", 0.0))
    taken = [coding for coding in _BEST_FIRST if weights.get(coding, 0.0) > 0]
    return sorted(taken, key=lambda coding: -weights[coding]) or ["identity"]


def _weight(parameters: str) -> float:
    """Return the q-value; what can't be read counts as nothing said."""
    name, _, value = parameters.partition("=")
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0
    return min(max(weight, 0.0), 1.0) if weight == weight else 1.0
