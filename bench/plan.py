"""What is to be measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.recordings import Recording


@dataclass(frozen=True, slots=True)
class Plan:
    """The load that each server gets, `seconds` of it for each measurement.

    Ingest: `sessions` take turns on `connections` and post `load` events a second, or as many as
    the server takes when it is None. Live: `viewers` watch a session that gets `rate` batches a
    second.
    """

    recordings: Sequence[Recording]
    seconds: float
    connections: int
    sessions: int
    load: float | None
    viewers: int
    rate: float
