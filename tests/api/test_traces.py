"""Traces: what a collector gets of requests, commits, sealings and live views."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from spectraview.keys import DATABASE
from tests.api.sealing import seal, seal_all
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.recordings import Event

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
SECRET = "planted-secret-0123456789"


def event(number: int) -> Event:
    """Return an incremental event."""
    return {"type": 3, "data": {"text": SECRET}, "timestamp": 1_700_000_000_000 + number}


EVENTS = [event(number) for number in range(3)]


class Collector:
    """An OTLP/HTTP collector."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.raw = b""

    async def take(self, request: web.Request) -> web.Response:
        """Take an export."""
        body = await request.read()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for attribute in resource.resource.attributes:
                if attribute.key == "service.name":
                    self.services.add(attribute.value.string_value)
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(content_type="application/x-protobuf")

    def named(self, name: str) -> list[Any]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]


@pytest.fixture
async def collector(
    aiohttp_server: Callable[[web.Application], Awaitable[TestServer]],
) -> Collector:
    """A running collector."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    server = await aiohttp_server(app)
    collector.url = str(server.make_url("")).rstrip("/")
    return collector


async def test_a_batch_is_traced_from_its_caller_to_its_commit(
    make_api: ApiFactory, collector: Collector
) -> None:
    api = await make_api(otel_exporter_otlp_endpoint=collector.url)
    session_id = await api.start()
    headers = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
    body = {"events": [event(0)]}
    answer = await api.post_events(session_id, body, headers=headers)
    assert answer.status == 200
    async with api.watch(session_id, start="start") as viewer:
        assert len(await viewer.take(1)) == 1
    refused = await api.post_events(session_id, {"events": [SECRET]})
    assert refused.status == 400
    await api.client.close()
    (request,) = [span for span in collector.spans if span.trace_id.hex() == TRACE_ID][-1:]
    assert request.name == "POST /api/sessions/{session_id}/events"
    assert request.parent_span_id.hex() == PARENT_ID
    inner = {
        span.name
        for span in collector.spans
        if span.parent_span_id == request.span_id and span.trace_id == request.trace_id
    }
    assert inner == {"parse", "commit"}
    (group,) = collector.named("commit_group")
    (commit,) = [span for span in collector.named("commit") if span.trace_id == request.trace_id]
    assert [link.span_id for link in group.links] == [commit.span_id]
    assert collector.named("publish")[0].parent_span_id == group.span_id
    assert collector.named("send_page")
    assert collector.services == {"spectraview"}
    assert SECRET.encode() not in collector.raw


async def test_each_session_that_is_sealed_is_a_trace_of_its_own(
    make_api: ApiFactory, collector: Collector
) -> None:
    api = await make_api(otel_exporter_otlp_endpoint=collector.url)
    sealed = [await recorded(api) for _ in range(2)]
    running = await api.start()
    await api.send(running, [event(0)])
    await seal_all(api)
    await seal_all(api)  # nothing is left to do: no further spans
    for session_id in sealed:
        assert (await api.get(f"/api/sessions/{session_id}/replay")).json["events"] == EVENTS
    await api.client.close()
    spans = collector.named("seal")
    assert sorted(map(session_of, spans)) == sorted(map(str, sealed))
    assert len({span.trace_id for span in spans}) == 2
    for span in spans:
        assert span.parent_span_id == b""
        assert span.start_time_unix_nano < span.end_time_unix_nano
        assert span.status.code == Status.STATUS_CODE_UNSET
    assert SECRET.encode() not in collector.raw


async def test_the_trace_of_a_sealing_that_fails_tells_the_kind_of_its_error(
    make_api: ApiFactory, collector: Collector
) -> None:
    api = await make_api(otel_exporter_otlp_endpoint=collector.url)
    session_id = await recorded(api)
    await api.client.app[DATABASE].fetch_all(
        "UPDATE session_events SET event_count = event_count + 1 WHERE session_id = %(id)s",
        {"id": session_id},
    )
    assert (await seal(api)).failed == 1
    await api.client.close()
    (span,) = collector.named("seal")
    assert session_of(span) == str(session_id)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(span)["error.type"] == "CorruptData"
    assert (span.status.message, list(span.events)) == ("", [])  # an error's text may tell data


async def recorded(api: ApiClient) -> UUID:
    """Store a session of a few batches, and end it."""
    session_id = await api.start()
    for one in EVENTS:
        await api.send(session_id, [one])
    await api.end(session_id)
    return session_id


def attributes_of(span: Any) -> dict[str, str]:
    """Return the text attributes of a span."""
    return {attribute.key: attribute.value.string_value for attribute in span.attributes}


def session_of(span: Any) -> str:
    """Return the session that a span is about."""
    return attributes_of(span)["spectraview.session_id"]


async def test_a_collector_that_is_away_disturbs_nobody(make_api: ApiFactory) -> None:
    api = await make_api(otel_exporter_otlp_endpoint="http://127.0.0.1:9")
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with asyncio.timeout(20):
        await api.client.close()


def test_without_an_address_nothing_is_imported() -> None:
    # redis-py imports parts of OpenTelemetry itself, where it is installed.
    names = ["spectraview.observability.otel", "opentelemetry.sdk.trace", "opentelemetry.exporter"]
    look = f"import sys, spectraview.app; print([m for m in sys.modules if m in {names}])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
