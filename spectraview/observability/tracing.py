"""Traces, when they are wanted: without an address nothing of OpenTelemetry is imported here.

Like logging it is a matter of the process, not of one application: what is deep inside says what
takes time, and need not be handed a tracer for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spectraview.observability.otel import Link, Span, Tracer

logger = logging.getLogger(__name__)

Value = str | int | float | bool
_OFF: AbstractContextManager[None] = nullcontext()
_tracer: "Tracer | None" = None


@asynccontextmanager
async def tracing(endpoint: str) -> AsyncIterator[None]:
    """Send traces to an OTLP/HTTP endpoint while the context lasts; empty: none."""
    global _tracer
    if not endpoint:
        yield
        return
    try:
        from spectraview.observability.otel import Tracer
    except ImportError as error:
        logger.error("no traces: %s; install spectraview[otel]", error)
        yield
        return
    tracer = _tracer = Tracer(endpoint)
    try:
        yield
    finally:
        _tracer = None
        await asyncio.to_thread(tracer.close)  # it sends what is left


def span(
    name: str, *, links: Sequence["Link | None"] = (), **attributes: Value
) -> AbstractContextManager["Span | None"]:
    """Trace what happens in the context, as a part of what happens around it."""
    if _tracer is None:
        return _OFF
    return _tracer.span(name, attributes, links=links)


def request_span(name: str, headers: Mapping[str, str]) -> AbstractContextManager["Span | None"]:
    """Trace a request, as a part of what its `traceparent` names."""
    if _tracer is None:
        return _OFF
    return _tracer.request_span(name, headers)


def span_until_done(name: str, **attributes: Value) -> Callable[[object], None]:
    """Trace from now on until what is returned is called."""
    return _ignore if _tracer is None else _tracer.span_until_done(name, attributes)


def _ignore(_: object) -> None:
    pass


def link_here() -> "Link | None":
    """Return what leads to the current span from one that works for several."""
    return None if _tracer is None else _tracer.link_here()
