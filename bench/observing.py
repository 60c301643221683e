"""What observing costs a batch, without a server: `python -m bench.observing`."""

import logging
import os
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from spectraview.observability.log_context import (
    REQUEST_ID,
    SESSION_ID,
    AddContext,
    json_formatter,
    request_id_of,
)
from spectraview.observability.measures import CommitMeasures, DatabaseMeasures, RequestMeasures
from spectraview.observability.tracing import link_here, request_span, span, span_until_done
from spectraview.serving.access_log import AccessLogger
from spectraview.serving.log_lines import LineFormatter

_ROUNDS = 15
_TIMES = 5000
_ROUTE = "/api/sessions/{session_id}/events"


def note_batch(session_id: str) -> Callable[[], None]:
    """Return what notes one batch that is alone in its group: nothing is shared, so it is dear."""
    requests, commits, database = RequestMeasures(), CommitMeasures(), DatabaseMeasures()

    def note() -> None:
        began = time.monotonic()
        REQUEST_ID.set(request_id_of(None))
        with request_span(f"POST {_ROUTE}", {}):
            requests.read.observe(time.monotonic() - began)
            with span("parse", bytes=1000):
                requests.parse.observe(time.monotonic() - began)
            with span("commit", session_id=session_id, events=50), span("commit_group"):
                link_here()
            commits.wait.observe(0.002)
            commits.group.observe(1)
            commits.statement.observe(0.003)
            commits.batches += 1
            commits.events += 50
            commits.json_bytes += 100_000
            commits.stored_bytes += 10_000
            database.statements.observe(0.001)
            span_until_done("publish", batches=1)(None)
        requests.note("POST", _ROUTE, 200, time.monotonic() - began)

    return note


def log_access(formatter: logging.Formatter) -> Callable[[], None]:
    """Return what logs one request, to nowhere."""
    logger = logging.Logger("access", logging.INFO)
    handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115
    handler.setFormatter(formatter)
    handler.addFilter(AddContext())
    logger.addHandler(handler)
    request: Any = SimpleNamespace(
        remote="127.0.0.1", method="POST", rel_url=SimpleNamespace(raw_path=_ROUTE)
    )
    response: Any = SimpleNamespace(status=200, body_length=210)
    access = AccessLogger(logger, "")
    return lambda: access.log(request, response, 0.01)


def cost(act: Callable[[], None]) -> float:
    """Return the median of an act's CPU time, in microseconds."""
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(_TIMES):
            act()
        rounds.append((time.process_time() - began) / _TIMES * 1e6)
    return statistics.median(rounds)


def main() -> None:
    """Print the costs."""
    session_id = uuid4()
    SESSION_ID.set(session_id)
    text = LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    acts = {
        "metrics, request id, traces off": note_batch(str(session_id)),
        "access log, text": log_access(text),
        "access log, json": log_access(json_formatter()),
    }
    for name, act in acts.items():
        print(f"{name:34}{cost(act):6.1f} us of CPU for a batch")


if __name__ == "__main__":
    main()
