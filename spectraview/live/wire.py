"""Bytes on the wire: WebSocket frames (RFC 6455) and server-sent events, in chunks of bounded size.

A chunk ends where something else may be sent in between: a ping after any WebSocket fragment.
Server frames are not masked, so all viewers get the same bytes.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence

import ujson

CHUNK_BYTES = 131_072
"""What is handed to a transport at once; a larger message is cut, a WebSocket's into fragments."""

TEXT = 0x1
BINARY = 0x2
KEEP_ALIVE = b"e\r\n: keep-alive\n\n\r\n"

_CONTINUATION = 0x0
_CLOSE = 0x8
_FIN = 0x80
_NO_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")

Chunks = Sequence[bytes]


def websocket_chunks(payloads: Iterable[bytes], opcode: int = TEXT) -> Chunks:
    """Return one message a payload, small ones together in a chunk."""
    return _gathered(part for payload in payloads for part in _frames(payload, opcode))


def message_frame(message: dict[str, object]) -> bytes:
    """Return the text frame of a JSON message."""
    return b"".join(_frames(_dumps(message), TEXT))


def close_frame(code: int, reason: str) -> bytes:
    """Return the frame that says why a WebSocket is closed."""
    payload = struct.pack("!H", code) + reason.encode()[:123]
    return _header(_FIN | _CLOSE, len(payload)) + payload


def event_stream_chunks(
    sequence: int,
    events: Iterable[bytes],
    custom_events: Iterable[bytes],
    errors: Iterable[bytes],
) -> Chunks:
    """Return one server-sent event an event, its id the sequence (WHATWG HTML, section 9.2); custom
    events and errors are named `customEvent` and `sessionError`.
    """
    parts = [
        b"id: %d\ndata: %s\n\n" % (number, _one_line(event))
        for number, event in enumerate(events, sequence)
    ]
    for name, items in ((b"customEvent", custom_events), (b"sessionError", errors)):
        parts += [b"event: %s\ndata: %s\n\n" % (name, _one_line(item)) for item in items]
    pieces = (piece for part in parts for piece in _pieces(part))
    return [_http_chunk(chunk) for chunk in _gathered(pieces)]


def message_event(message: dict[str, object]) -> bytes:
    """Return a message as a server-sent event, named by its type."""
    name = str(message["type"]).encode()
    return _http_chunk(b"event: %s\ndata: %s\n\n" % (name, _dumps(message)))


def _frames(payload: bytes, opcode: int) -> Iterator[bytes]:
    """Yield a message's frame, or its fragments when it is large."""
    if len(payload) <= CHUNK_BYTES:
        yield _header(_FIN | opcode, len(payload)) + payload
        return
    for start in range(0, len(payload), CHUNK_BYTES):
        fragment = payload[start : start + CHUNK_BYTES]
        last = _FIN if start + CHUNK_BYTES >= len(payload) else 0
        kind = _CONTINUATION if start else opcode
        yield _header(last | kind, len(fragment)) + fragment


def _header(first_byte: int, length: int) -> bytes:
    if length < 126:
        return bytes((first_byte, length))
    if length < 65_536:
        return struct.pack("!BBH", first_byte, 126, length)
    return struct.pack("!BBQ", first_byte, 127, length)


def _gathered(parts: Iterable[bytes]) -> Chunks:
    chunks: list[bytes] = []
    gathered: list[bytes] = []
    size = 0
    for part in parts:
        if gathered and size + len(part) > CHUNK_BYTES:
            chunks.append(b"".join(gathered))
            gathered, size = [], 0
        gathered.append(part)
        size += len(part)
    if gathered:
        chunks.append(b"".join(gathered))
    return chunks


def _pieces(part: bytes) -> Iterator[bytes]:
    return (part[start : start + CHUNK_BYTES] for start in range(0, len(part), CHUNK_BYTES))


def _one_line(json: bytes) -> bytes:
    """Return JSON on one line: outside of strings, which hold none, a line break is a space."""
    return json.translate(_NO_LINE_BREAKS)


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _dumps(message: dict[str, object]) -> bytes:
    return ujson.dumps(message, escape_forward_slashes=False).encode()
