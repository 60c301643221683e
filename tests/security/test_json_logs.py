"""Logs as JSON: each record one object, with its request and session, and nobody's secrets."""

import logging
import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
import ujson
from aiohttp import ClientSession

from spectraview.observability.log_context import json_formatter, request_id_of
from tests.api_client import ApiClient
from tests.security.conftest import ServiceFactory

SECRET = "planted-secret-0123456789"
_SETTINGS = {
    "SPECTRAVIEW_LOG_LEVEL": "DEBUG",
    "SPECTRAVIEW_LOG_FORMAT": "json",
    "SPECTRAVIEW_ACCESS_LOG": "true",
}


@pytest.mark.parametrize("sent", ["a" * 8, "a" * 64, "4bf92f35-77b3:1.x_y"])
def test_a_sane_request_id_is_kept(sent: str) -> None:
    assert request_id_of(sent) == sent


@pytest.mark.parametrize("sent", [None, "", "short", "a" * 65, "with space", 'a"b"c"d"e', "ü" * 9])
def test_any_other_request_gets_an_id(sent: str | None) -> None:
    assert request_id_of(sent) != sent
    assert len(request_id_of(sent)) == 16
    assert request_id_of(sent) != request_id_of(sent)


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "half \ud800", '"quoted"'])
def test_a_record_is_one_line_whatever_it_says(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("x", 40, "x", 1, "failed: %s", (text,), sys.exc_info())
    line = json_formatter().format(record)
    assert line.isprintable()
    assert ujson.loads(line)["level"] == "ERROR"
    assert "ValueError" in ujson.loads(line)["exception"]


async def test_an_answer_tells_the_id_that_its_request_has(api: ApiClient) -> None:
    answer = await api.request("GET", "/health/live", headers={"X-Request-Id": "from-a-proxy-1"})
    assert answer.headers["X-Request-Id"] == "from-a-proxy-1"
    failed = await api.request("GET", "/nowhere", headers={"X-Request-Id": "bad id"})
    assert len(failed.headers["X-Request-Id"]) == 16


async def test_the_audit_log_has_the_id(api: ApiClient) -> None:
    headers = {"X-Request-Id": "the-one-that-made-it"}
    body = {"name": "shop", "scopes": ["ingest"]}
    made = await api.request("POST", "/api/keys", body, key="admin", headers=headers)
    assert made.status in (200, 201), made
    entries = (await api.get("/api/audit", key="admin")).json["entries"]
    assert entries[0]["requestId"] == "the-one-that-made-it"


async def test_records_are_objects_with_ids_and_without_secrets(serve: ServiceFactory) -> None:
    service = await serve(**_SETTINGS)
    session_id = str(uuid4())
    async with ClientSession(service.url) as http:
        await send_secrets(http, service.keys, session_id)
    await service.stop()
    assert service.log is not None
    log = service.log.read_text(encoding="utf-8")
    assert SECRET not in log
    assert not [key for key in service.keys.values() if key in log]
    assert "?" not in "".join(str(record.get("path")) for record in records_of(log))
    told = [record for record in records_of(log) if record.get("requestId") == "id-of-the-batch"]
    assert told[-1]["sessionId"] == session_id
    assert told[-1]["logger"] == "spectraview.access"
    assert (told[-1]["method"], told[-1]["status"]) == ("POST", 200)
    assert told[-1]["seconds"] > 0
    assert "T" in told[-1]["time"]


def records_of(log: str) -> list[dict[str, Any]]:
    """Return the records of a log."""
    return [ujson.loads(line) for line in log.splitlines()]


async def send_secrets(http: ClientSession, keys: Mapping[str, str], session_id: str) -> None:
    """Send what nobody may log, in every place that a request has."""
    events = f"/api/sessions/{session_id}/events"
    body = {
        "sessionId": session_id,
        "appId": "shop",
        "events": [{"type": 3, "data": {"text": SECRET}, "timestamp": 1_700_000_000_000}],
    }
    ingest, read = {"X-API-Key": keys["ingest"]}, {"X-API-Key": keys["read"]}
    headers = ingest | {"X-Request-Id": "id-of-the-batch"}
    async with http.post(events, json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    for path, extra in (
        (f"{events}?apiKey={SECRET}", {}),
        (events, {"X-API-Key": SECRET}),
        (events, ingest | {"Idempotency-Key": SECRET}),
    ):
        async with http.post(path, json=body, headers=extra) as answer:
            await answer.read()
    async with http.post(events, data=f'{{"events": ["{SECRET}', headers=ingest) as answer:
        assert answer.status == 400
    for path, extra in (
        (f"/api/sessions?q={SECRET}", read),
        (f"/api/sessions/{session_id}/replay?token={SECRET}", {}),
        (f"/api/sessions/{session_id}/live?token={SECRET}", {}),
        (f"/api/sessions/{session_id}", {"Authorization": f"Bearer {SECRET}"}),
        (f"/metrics?token={SECRET}", {"Authorization": f"Bearer {SECRET}"}),
        (f"/health?{SECRET}", {"Cookie": SECRET}),
    ):
        async with http.get(path, headers=extra) as answer:
            await answer.read()
