"""What a client does to its WebSocket or event stream costs it its connection, others nothing."""

import asyncio
from uuid import UUID, uuid4

import pytest
import ujson

from spectraview.api import live
from spectraview.keys import ADMISSION
from tests.api_client import ApiClient
from tests.conftest import KEYS, ApiFactory
from tests.recordings import load_recording
from tests.security.conftest import Connect
from tests.security.test_connections import becomes
from tests.security.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, frame

SOON = 0.3


async def viewer(api: ApiClient, connect: Connect, session_id: UUID) -> Wire:
    """Return a connection that watches a session."""
    wire = await connect(api)
    await wire.upgrade(f"/api/sessions/{session_id}/live", KEYS["read"])
    await wire.send(frame(TEXT, subscribe(session_id)))
    return wire


async def publisher(api: ApiClient, connect: Connect, session_id: UUID) -> Wire:
    """Return a connection over which batches may come."""
    wire = await connect(api)
    await wire.upgrade(f"/api/sessions/{session_id}/ingest", KEYS["ingest"])
    return wire


def subscribe(session_id: UUID) -> bytes:
    """Return a subscribe message."""
    return ujson.dumps({"type": "subscribe", "sessionId": str(session_id)}).encode()


def bytes_in_flight(api: ApiClient) -> int:
    """Return what the process holds of what clients have sent."""
    assert api.client.app is not None
    return api.client.app[ADMISSION].bytes_in_flight


FLOODS = {
    "text": frame(TEXT, b"{}"),
    "binary": frame(BINARY, b"x"),
    "pings": frame(PING),
    "large pings": frame(PING, b"x" * 125),
    "pongs": frame(PONG),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_viewer_that_floods_is_cut_and_no_other(
    api: ApiClient, connect: Connect, flood: bytes
) -> None:
    session_id = await api.start()
    events = load_recording("todo-small")
    async with api.watch(session_id, start="start") as other:
        wire = await viewer(api, connect, session_id)
        await asyncio.gather(wire.send(flood * 20_000), return_exceptions=True)
        assert await wire.close_code() in (1008, None)  # unread bytes may take it with them
        await api.send(session_id, events)
        assert await other.take(len(events)) == events


@pytest.mark.parametrize("opcode", [PING, PONG])
async def test_pings_do_not_flood_the_ingest_socket(
    api: ApiClient, connect: Connect, opcode: int
) -> None:
    wire = await publisher(api, connect, uuid4())
    await asyncio.gather(wire.send(frame(opcode) * 20_000), return_exceptions=True)
    assert await wire.close_code() in (1008, None)


async def test_batches_that_flood_the_ingest_socket_are_refused(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(rate_limit_ingest=5)
    wire = await publisher(api, connect, await api.start())
    await asyncio.gather(wire.send(frame(TEXT, b"{}") * 1000), return_exceptions=True)
    assert await wire.close_code() in (1013, None)


async def test_pings_now_and_then_are_answered(api: ApiClient, connect: Connect) -> None:
    wire = await publisher(api, connect, await api.start())
    for _ in range(50):
        await wire.send(frame(PING, b"hello"))
    assert (await wire.read_through(b"\x8a\x05hello")).count(b"\x8a\x05hello") >= 1


TOO_LARGE = {
    "a frame": frame(TEXT, b"x" * 5000),
    "a frame that announces much": frame(TEXT, length=2**40),
    "a frame that announces too much": frame(TEXT, length=2**63),
    "fragments": frame(TEXT, b"x" * 3000, fin=False) + frame(CONTINUATION, b"x" * 3000),
    "fragments without end": frame(TEXT, b"x", fin=False)
    + frame(CONTINUATION, b"x" * 1000, fin=False) * 100,
}


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_message_that_is_too_large_is_not_kept(
    api: ApiClient, connect: Connect, sent: bytes
) -> None:
    wire = await viewer(api, connect, await api.start())
    await wire.send(sent)
    assert await wire.close_code() in (1009, 1002)


BROKEN = {
    "an unknown kind": frame(0x3, b"x"),
    "a reserved bit": bytes((0xC1,)) + frame(TEXT, b"x")[1:],
    "a continuation of nothing": frame(CONTINUATION, b"x"),
    "a message within a message": frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"),
    "a ping in parts": frame(PING, b"x", fin=False),
    "a long ping": frame(PING, b"x" * 126),
    "no UTF-8": frame(TEXT, b"\xff\xfe"),
    "no code in a close": frame(CLOSE, b"x"),
    "a code that may not be sent": frame(CLOSE, (999).to_bytes(2)),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("kind", ["live", "ingest"])
async def test_what_is_no_frame_ends_the_socket(
    api: ApiClient, connect: Connect, kind: str, sent: bytes
) -> None:
    wire = await connect(api)
    await wire.upgrade(f"/api/sessions/{await api.start()}/{kind}", KEYS["admin"])
    await wire.send(sent)
    assert await wire.close_code() in (1002, 1007)


async def test_who_does_not_subscribe_is_sent_away(
    api: ApiClient, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_SUBSCRIBE_SECONDS", SOON)
    wire = await connect(api)
    await wire.upgrade(f"/api/sessions/{await api.start()}/live", KEYS["read"])

    async def ping() -> None:
        while True:
            await wire.send(frame(PING))
            await asyncio.sleep(SOON / 5)

    pinging = asyncio.create_task(ping(), name="ping")
    assert await wire.close_code() == 4400
    pinging.cancel()
    await asyncio.gather(pinging, return_exceptions=True)


async def test_who_does_not_subscribe_counts_as_a_viewer(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_viewers=1)
    session_id = await api.start()
    wire = await connect(api)
    await wire.upgrade(f"/api/sessions/{session_id}/live", KEYS["read"])
    answer = await api.get(f"/api/sessions/{session_id}/live")
    assert (answer.status, answer.json["code"]) == (503, "too_many_viewers")


async def test_what_is_sent_before_the_key_is_checked_is_no_message(
    api: ApiClient, connect: Connect
) -> None:
    session_id = await api.start()
    wire = await connect(api)
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = f"Sec-WebSocket-Key: {'A' * 22}=="
    path = f"/api/sessions/{session_id}/live"
    await wire.ask("GET", path, *upgrade, key, body=frame(TEXT, subscribe(session_id)))
    assert (await wire.answer()).fault == (401, "unauthorized")


async def test_messages_that_never_end_have_one_room_together(
    make_api: ApiFactory, connect: Connect
) -> None:
    api = await make_api(max_pending=400_000)
    first = await publisher(api, connect, uuid4())
    await first.send(frame(TEXT, b"x" * 300_000, length=1_000_000)[:300_000])
    await becomes(lambda: bytes_in_flight(api) > 250_000)
    second = await publisher(api, connect, uuid4())
    await second.send(frame(TEXT, b"x" * 300_000, length=1_000_000)[:300_000])
    assert await second.close_code() == 1013
    await first.close()
    await becomes(lambda: bytes_in_flight(api) == 0)
    third = await publisher(api, connect, await api.start())
    await third.send(frame(TEXT, b"{}".ljust(300_000)))
    assert await third.read_through(b'"receipt"')


async def test_what_was_worked_on_has_room_again(api: ApiClient, connect: Connect) -> None:
    wire = await publisher(api, connect, await api.start())
    for _ in range(20):
        await wire.send(frame(TEXT, b"{}".ljust(5000)))
        await wire.send(frame(TEXT, b"{}".ljust(3000), fin=False) + frame(CONTINUATION, b" "))
        await wire.send(frame(PING, b"x"))
    await becomes(lambda: bytes_in_flight(api) == 0)
    await wire.close()


async def test_requests_behind_an_event_stream_are_not_kept(
    api: ApiClient, connect: Connect
) -> None:
    session_id = await api.start()
    wire = await connect(api)
    lines = ("Accept: text/event-stream", f"X-API-Key: {KEYS['read']}")
    await wire.ask("GET", f"/api/sessions/{session_id}/live", *lines)
    more = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 500_000
    sending = asyncio.create_task(wire.send(more), name="more")
    await api.send(session_id, load_recording("todo-small")[:1])
    assert b"data: " in await wire.read_through(b"\n\n")
    assert not sending.done()  # the server reads no further
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


@pytest.mark.parametrize(
    "name", ["Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"]
)
@pytest.mark.parametrize("kind", ["live", "ingest"])
async def test_an_upgrade_that_is_no_text_is_none(
    api: ApiClient, connect: Connect, kind: str, name: str
) -> None:
    headers = {
        **{"Upgrade": b"websocket", "Connection": b"Upgrade", "Sec-WebSocket-Version": b"13"},
        **{"Sec-WebSocket-Key": b"A" * 22 + b"==", "X-API-Key": KEYS["admin"].encode()},
        name: b"\xf4",
    }
    lines = b"".join(b"%s: %s\r\n" % (key.encode(), value) for key, value in headers.items())
    path = f"/api/sessions/{await api.start()}/{kind}".encode()
    wire = await connect(api)
    await wire.send(b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, lines))
    assert (await wire.answer()).fault == (426, "upgrade_required")
