"""Measures the rounds of background jobs."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from spectraview.observability.measures import JobMeasures


class Jobs(defaultdict[str, JobMeasures]):
    """The measures of each job, by its name."""

    def __init__(self) -> None:
        super().__init__(JobMeasures)
        self.active_sessions: int | None = None

    @contextmanager
    def round(self, name: str) -> Iterator[JobMeasures]:
        """Count a round of a job; one that raises has failed."""
        measures = self[name]
        began = time.monotonic()
        measures.rounds += 1
        try:
            yield measures
        except BaseException as error:
            measures.failures += isinstance(error, Exception)
            raise
        else:
            measures.succeeded_at = time.time()
        finally:
            measures.seconds += time.monotonic() - began
