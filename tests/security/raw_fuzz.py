"""Bytes that are nearly requests and nearly frames, made from good ones."""

import itertools
import random
from collections.abc import Sequence

from tests.conftest import KEYS
from tests.security.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

SESSION = "22222222-2222-4222-8222-222222222222"
_MOST_BYTES = 20_000
_TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"%00", b"%", b"\xff", b"\x80"),
    *(b"\r\n\r\n", b"0\r\n\r\n", b"ffffffffffffffff", b"-1", b"99999999999999999999", b"1e9"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"Expect: 100-continue\r\n", b"Expect: x\r\n"),
    *(b"Connection: close\r\n", b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n"),
    *(
        b"HTTP/1.0",
        b"HTTP/1.1",
        b"HTTP/2.0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET ",
        b"POST ",
    ),
    *(b"..", b"/", b"//", b"?", b"#", b"*", b"[", b"]", b"{", b"}", b'"', b"\\u0000", b"\\ud800"),
]


def _request(method: str, path: str, *lines: str, body: bytes = b"") -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: x", f"X-API-Key: {KEYS['admin']}", *lines)
    return "\r\n".join((*head, "", "")).encode() + body


def _upgrade(kind: str, *frames: bytes) -> bytes:
    lines = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = f"Sec-WebSocket-Key: {'A' * 22}=="
    return _request("GET", f"/api/sessions/{SESSION}/{kind}", *lines, key, body=b"".join(frames))


def good_ones() -> list[bytes]:
    """Return requests and sockets as they should be."""
    batch = b'{"appId":"shop","userId":"u","events":[{"type":3,"timestamp":1,"data":{"source":2}}]}'
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(batch), batch)
    subscribe = b'{"type":"subscribe","sessionId":"%s","protocol":2}' % SESSION.encode()
    length = f"Content-Length: {len(batch)}"
    events = f"/api/sessions/{SESSION}/events"
    return [
        _request("POST", events, length, body=batch),
        _request("POST", events, "Transfer-Encoding: chunked", body=chunks),
        _request("POST", events, length, "Expect: 100-continue", body=batch) * 3,
        _request("GET", "/health/live"),
        _request("GET", "/", "Accept: text/html", "If-None-Match: *"),
        _request("GET", "/api/sessions?limit=1&q=x&from=2026-01-01", "Origin: https://x.example"),
        _request("GET", f"/api/sessions/{SESSION}/replay?from=1&to=2", "Accept-Encoding: zstd, *"),
        _request("GET", f"/api/sessions/{SESSION}/replay/manifest", "Range: bytes=0-"),
        _request("GET", f"/api/sessions/{SESSION}/live", "Accept: text/event-stream"),
        _request("OPTIONS", events, "Access-Control-Request-Method: POST", "Origin: null"),
        _upgrade("live", frame(TEXT, subscribe), frame(PING, b"x"), frame(PONG), frame(CLOSE)),
        _upgrade("ingest", frame(TEXT, batch), frame(BINARY, b"x"), frame(CLOSE, b"\x03\xe8bye")),
        _upgrade("ingest", frame(TEXT, batch[:9], fin=False), frame(CONTINUATION, batch[9:])),
    ]


def mutated(choice: random.Random, good: Sequence[bytes]) -> bytes:
    """Return one of the good ones with some changes."""
    data = bytearray(choice.choice(good))
    for _ in range(choice.choice((0, 1, 1, 2, 3, 8))):
        place = choice.randrange(len(data) + 1)
        match choice.randrange(6):
            case 0 if place < len(data):
                data[place] ^= 1 << choice.randrange(8)
            case 1:
                data[place:place] = choice.choice(_TOKENS)
            case 2:
                del data[place : place + choice.randrange(1, 40)]
            case 3:
                data[place:place] = data[place : place + 40] * choice.choice((1, 2, 50))
            case 4:
                data[place:] = choice.choice(good)[choice.randrange(60) :]
            case _:
                data[place:place] = choice.randbytes(choice.choice((1, 4, 300)))
    return bytes(data[:_MOST_BYTES])


def parts_of(choice: random.Random, data: bytes) -> list[bytes]:
    """Cut bytes at some places."""
    cuts = sorted(choice.randrange(len(data) + 1) for _ in range(choice.choice((0, 0, 1, 3))))
    edges = [0, *cuts, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]
