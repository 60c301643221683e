"""WebSocket frames (RFC 6455), as much of them as viewers need."""

import struct
from dataclasses import dataclass

TEXT = 0x1
CLOSE = 0x8
PING = 0x9
PONG = 0xA
_MASK = b"\0\0\0\0"
"""A mask that changes nothing: it protects browsers' users from proxies, not a benchmark."""


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a client's frame with a payload below 64 kB."""
    if len(payload) < 126:
        return struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload)) + _MASK + payload
    return struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload)) + _MASK + payload


@dataclass(frozen=True, slots=True)
class Frame:
    """A server's frame in a buffer."""

    opcode: int
    payload_at: int
    end: int


def read_frame(buffer: bytes, start: int) -> Frame | None:
    """Return the frame at a place, None when it is not complete."""
    if len(buffer) < start + 2:
        return None
    length, payload_at = buffer[start + 1] & 0x7F, start + 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if len(buffer) < payload_at + size:
            return None
        length = int.from_bytes(buffer[payload_at : payload_at + size])
        payload_at += size
    if len(buffer) < payload_at + length:
        return None
    return Frame(buffer[start] & 0x0F, payload_at, payload_at + length)
