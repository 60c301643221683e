"""Traces by OpenTelemetry; imported only when they are wanted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from spectraview import __version__

__all__ = ["Link", "Span", "Tracer"]

_PATH = "/v1/traces"
_UNNAMED = "unknown_service"
_PREFIX = "spectraview."
_propagator = TraceContextTextMapPropagator()


class Tracer:
    """Sends spans to a collector from a thread of its own. The SDK reads its other `OTEL_`
    variables itself.
    """

    def __init__(self, endpoint: str) -> None:
        named = Resource.create()  # of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
        if str(named.attributes.get(SERVICE_NAME, _UNNAMED)).startswith(_UNNAMED):
            named = named.merge(Resource({SERVICE_NAME: "spectraview"}))
        self._provider = TracerProvider(resource=named, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _PATH)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("spectraview", __version__)

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, str | int | float | bool],
        *,
        links: Sequence[Link | None] = (),
    ) -> Iterator[Span]:
        """Trace what happens in the context."""
        prefixed = {_PREFIX + key: value for key, value in attributes.items()}
        with (
            self._tracer.start_as_current_span(
                name,
                attributes=prefixed,
                links=[link for link in links if link is not None],
                # An error's text may have what a client has sent.
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            _noting_error(span),
        ):
            yield span

    @contextmanager
    def request_span(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """Trace a request."""
        sent = {key.lower(): value for key, value in headers.items()}
        with (
            self._tracer.start_as_current_span(
                name,
                context=_propagator.extract(sent),
                kind=SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            _noting_error(span),
        ):
            yield span

    def span_until_done(
        self, name: str, attributes: Mapping[str, str | int | float | bool]
    ) -> Callable[[object], None]:
        """Trace from now on until what is returned is called."""
        prefixed = {_PREFIX + key: value for key, value in attributes.items()}
        begun = self._tracer.start_span(name, attributes=prefixed)
        return lambda _: begun.end()

    def link_here(self) -> Link:
        """Return what leads to the current span."""
        return Link(trace.get_current_span().get_span_context())

    def close(self) -> None:
        """Send what is left. May take seconds."""
        self._provider.shutdown()


@contextmanager
def _noting_error(span: Span) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", type(error).__name__)
        raise
