"""Server-sent events of a batch (WHATWG HTML, section 9.2), as chunks of an HTTP/1.1 response."""

from collections.abc import Iterable

import ujson

_NO_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")
KEEP_ALIVE = b"e\r\n: keep-alive\n\n\r\n"


def events_chunk(
    sequence: int,
    events: Iterable[bytes],
    custom_events: Iterable[bytes],
    errors: Iterable[bytes],
) -> bytes:
    """Return a chunk with one message an event, its id the sequence; custom events and errors are
    named `customEvent` and `sessionError`.
    """
    parts: list[bytes] = []
    for number, event in enumerate(events, sequence):
        parts.append(b"id: %d\ndata: %s\n\n" % (number, _one_line(event)))
    for name, items in ((b"customEvent", custom_events), (b"sessionError", errors)):
        parts += [b"event: %s\ndata: %s\n\n" % (name, _one_line(item)) for item in items]
    return _chunk(b"".join(parts))


def message_event(message: dict[str, object]) -> bytes:
    """Return a chunk with a message, named by its type."""
    data = ujson.dumps(message, escape_forward_slashes=False)
    return _chunk(f"event: {message['type']}\ndata: {data}\n\n".encode())


def _one_line(json: bytes) -> bytes:
    """Return JSON on one line: outside of strings, which hold none, a line break is a space."""
    return json.translate(_NO_LINE_BREAKS)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
