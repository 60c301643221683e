"""Nothing that a client sends writes a line of its own into the log, or its secrets."""

import logging
import re
import sys
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from spectraview.serving.log_lines import LineFormatter, one_line
from tests.faults.service import Service
from tests.security.conftest import ServiceFactory
from tests.security.wire import Wire

FORGED = "2026-01-01 00:00:00,000 INFO forged"
UNSAFE = [
    "\n",
    "\r\n",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\u2028",
    "\u202e",
    "\x00",
    "\ud800",
]
RECORD = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ |  ")


@pytest.mark.parametrize("unsafe", UNSAFE)
def test_what_breaks_lines_is_escaped(unsafe: str) -> None:
    line = one_line(f"before{unsafe}{FORGED}")
    assert line.isprintable()
    assert line.isascii()
    assert FORGED in line


def test_texts_in_other_scripts_stay() -> None:
    assert one_line("señal, 信号, σήμα") == "señal, 信号, σήμα"


def test_a_traceback_looks_like_no_record() -> None:
    try:
        raise ValueError(f"broken\n{FORGED}")
    except ValueError:
        record = logging.LogRecord("x", 40, "x", 1, "failed", (), sys.exc_info())
    first, *rest = LineFormatter("%(message)s").format(record).splitlines()
    assert first == "failed"
    assert rest
    assert all(line.startswith("  ") for line in rest)


async def test_a_service_that_is_asked_badly_logs_lines_of_its_own_only(
    serve: ServiceFactory,
) -> None:
    service = await serve(SPECTRAVIEW_LOG_LEVEL="DEBUG", SPECTRAVIEW_ACCESS_LOG="true")
    await send_hostile_requests(service)
    await service.stop()
    assert service.log is not None
    lines = service.log.read_bytes().splitlines()
    assert len(lines) > 10
    for line in lines:
        assert RECORD.match(line), line
        assert line.decode().isprintable(), line
    log = b"\n".join(lines)
    for secret in (*service.keys.values(), "canary-of-an-event", "canary-of-a-token"):
        assert secret.encode() not in log


async def send_hostile_requests(service: Service) -> None:
    """Put what breaks lines wherever a client can put something."""
    session_id = uuid4()
    ingest, read = service.keys["ingest"], service.keys["read"]
    forged = f"%0a{FORGED}%1b[2J".replace(" ", "%20")
    event = {"type": 3, "timestamp": 1, "data": {"text": f"canary-of-an-event\n{FORGED}"}}
    async with ClientSession() as http:
        for path in (
            f"/{forged}",
            f"/api/sessions/{forged}",
            f"/api/sessions/{forged}/replay?token=canary-of-a-token",
            f"/api/sessions?q={forged}&apiKey={read}",
            f"/console/{forged}",
        ):
            await http.get(service.url + path, headers={"X-API-Key": read})
        start = {"sessionId": str(session_id), "appId": "a\nb", "userId": f"u\n{FORGED}\x1b[2J"}
        for name, body in (("start", start), (f"{session_id}/events", {"events": [event]})):
            address = f"{service.url}/api/sessions/{name}?apiKey={ingest}"
            await http.post(address, json=body, headers={"User-Agent": "x\x9b2J"})
    for sent in (
        f"GET / HTTP/1.1\r\nHost: x\r\nX: \x1b[2J\n{FORGED}\r\n\r\n",
        f"\x1b\n{FORGED}\r\n\r\n",
    ):
        wire = await Wire.open(service.port)
        await wire.send(sent.encode())
        await wire.rest()
        await wire.close()
