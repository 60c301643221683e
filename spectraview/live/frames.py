"""WebSocket frames of a batch, built once for all viewers: server frames are not masked, so all get
the same bytes.
"""

import asyncio
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import ujson

from spectraview.live.stream import events_chunk
from spectraview.storage.codec import inflate, split_events
from spectraview.storage.models import StoredBatch

_TEXT = 0x81
_BINARY = 0x82
_INLINE_BYTES = 131_072
"""Stored bytes up to which a batch is inflated on the event loop (about 1 ms); more goes to a
thread.
"""


def text_frame(payload: bytes) -> bytes:
    """Return an unmasked text frame (RFC 6455 section 5.2)."""
    return _header(_TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """Return an unmasked binary frame."""
    return _header(_BINARY, len(payload)) + payload


def message_frame(message: dict[str, object]) -> bytes:
    """Return the text frame of a JSON message."""
    return text_frame(ujson.dumps(message, escape_forward_slashes=False).encode())


def _header(opcode: int, length: int) -> bytes:
    if length < 126:
        return bytes((opcode, length))
    if length < 65_536:
        return struct.pack("!BBH", opcode, 126, length)
    return struct.pack("!BBQ", opcode, 127, length)


@dataclass(frozen=True)
class BatchFrames:
    """A batch in every form that a viewer may want.

    `plain` is one text frame an event, then one a custom event and error; `event_starts[i]` is
    where event i's frame begins in it, and the last entry where the events' frames end.
    """

    batch: StoredBatch
    events_json: bytes = field(repr=False)
    plain: bytes = field(repr=False)
    event_starts: Sequence[int] = field(repr=False)

    @property
    def size(self) -> int:
        """Return about how many bytes of memory this holds."""
        return len(self.plain) + len(self.events_json) + len(self.batch.event_data)

    def plain_from(self, sequence: int) -> bytes:
        """Return the plain frames, without the events before `sequence`."""
        skipped = max(0, sequence - self.batch.first_sequence)
        return self.plain[self.event_starts[skipped] :] if skipped else self.plain

    @cached_property
    def framed(self) -> bytes:
        """Return the batch as one protocol 2 text frame."""
        return _framed(self.batch, self.batch.first_sequence, self.events_json)

    def framed_from(self, sequence: int) -> bytes:
        """Return the protocol 2 text frame, without the events before `sequence`."""
        skipped = sequence - self.batch.first_sequence
        if skipped <= 0:
            return self.framed
        events = split_events(self.events_json)[skipped:]
        return _framed(self.batch, sequence, b"[" + b",".join(events) + b"]")

    @cached_property
    def packed(self) -> bytes:
        """Return the batch as one protocol 2 binary frame: length of a JSON head (4 bytes), head,
        stored bytes.
        """
        batch = self.batch
        head = b'{"codec":"%s",%s}' % (
            batch.codec.encode(),
            _head_members(batch, batch.first_sequence),
        )
        return binary_frame(struct.pack("!I", len(head)) + head + batch.event_data)

    @cached_property
    def streamed(self) -> bytes:
        """Return the batch as server-sent events."""
        return self._streamed(self.batch.first_sequence)

    def streamed_from(self, sequence: int) -> bytes:
        """Return the server-sent events, without the events before `sequence`."""
        return self.streamed if sequence <= self.batch.first_sequence else self._streamed(sequence)

    def _streamed(self, sequence: int) -> bytes:
        events = split_events(self.events_json)[sequence - self.batch.first_sequence :]
        return events_chunk(sequence, events, self.batch.custom_events, self.batch.errors)


def build_frames(batch: StoredBatch) -> BatchFrames:
    """Inflate a batch and build its frames."""
    events_json = inflate(batch.event_data, batch.codec) if batch.event_data else b"[]"
    parts: list[bytes] = []
    starts = [0]
    for event in split_events(events_json):
        header = _header(_TEXT, len(event))
        parts += (header, event)
        starts.append(starts[-1] + len(header) + len(event))
    parts += map(text_frame, batch.custom_events + batch.errors)
    return BatchFrames(batch, events_json, b"".join(parts), starts)


async def frames_of(batch: StoredBatch) -> BatchFrames:
    """Build a batch's frames, off the event loop when it is large."""
    if len(batch.event_data) <= _INLINE_BYTES:
        return build_frames(batch)
    return await asyncio.to_thread(build_frames, batch)


def _framed(batch: StoredBatch, sequence: int, events_json: bytes) -> bytes:
    return text_frame(b'{%s,"events":%s}' % (_head_members(batch, sequence), events_json))


def _head_members(batch: StoredBatch, sequence: int) -> bytes:
    members = b'"type":"events","sequence":[%d,%d],"batch":%d' % (
        sequence,
        batch.next_sequence - 1,
        batch.batch_number,
    )
    if batch.custom_events:
        members += b',"customEvents":' + _array(batch.custom_events)
    if batch.errors:
        members += b',"errors":' + _array(batch.errors)
    return members


def _array(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"
