"""What is to be measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.recordings import Recording


@dataclass(frozen=True, slots=True)
class Plan:
    """The load that each server gets, `seconds` of it for each measurement.

    Ingest: `sessions` take turns on `connections` and post `load` events a second, or as many as
    the server takes when it is None. Live: `viewers` watch a session that gets `rate` batches a
    second. Stalled: `stalled` viewers that read nothing, beside as many that read, for `rounds`
    rounds of such sessions, and are to be cut within `cut_timeout` seconds. Storm and idle: so many
    viewers come at once. Replay: it waits up to `sealing` seconds until the sessions are sealed.
    """

    recordings: Sequence[Recording]
    seconds: float
    connections: int
    sessions: int
    load: float | None
    viewers: int
    rate: float
    stalled: int
    rounds: int
    cut_timeout: float
    storm: int
    idle: int
    sealing: float = 0.0
