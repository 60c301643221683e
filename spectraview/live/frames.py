"""A batch as viewers get it: each form is built once, when the first viewer needs it, for all."""

import asyncio
import struct
from collections.abc import Iterable
from typing import Literal

from spectraview.live.wire import BINARY, Chunks, event_stream_chunks, websocket_chunks
from spectraview.storage.codec import deflate, inflate, split_events
from spectraview.storage.models import StoredBatch

Form = Literal["plain", "framed", "packed", "stream"]
"""plain: one event a text message; framed: protocol 2; packed: protocol 2 with the stored bytes in
binary messages; stream: server-sent events.
"""

_INLINE_STORED = 65_536
_INLINE_JSON = 524_288
"""Bytes up to which a batch is inflated, and its forms are built, on the event loop (about 1 ms);
more is left to a thread.
"""
_KEPT_FORMS = 8


class BatchFrames:
    """A batch with the forms of it that were asked for so far."""

    def __init__(self, batch: StoredBatch, events_json: bytes) -> None:
        self.batch = batch
        self._events_json = events_json
        self._built: dict[tuple[Form, int], Chunks] = {}
        self._building: dict[tuple[Form, int], asyncio.Future[Chunks]] = {}

    @property
    def json_bytes(self) -> int:
        """Return the length of the events' JSON: about what each viewer is sent."""
        return len(self._events_json)

    @property
    def size(self) -> int:
        """Return about how many bytes of memory this holds, with one form built."""
        stored = 0 if self.batch.codec == "identity" else len(self.batch.event_data)
        return 2 * len(self._events_json) + stored

    def built(self, form: Form, sequence: int) -> Chunks | None:
        """Return a form, without the events before `sequence`, if it is built already."""
        return self._built.get((form, max(sequence, self.batch.first_sequence)))

    async def chunks(self, form: Form, sequence: int) -> Chunks:
        """Return a form, without the events before `sequence`."""
        key = (form, max(sequence, self.batch.first_sequence))
        if key in self._built:
            return self._built[key]
        if len(self._events_json) <= _INLINE_JSON:
            return self._keep(key, self._build(*key))
        if key not in self._building:
            build = asyncio.create_task(asyncio.to_thread(self._build, *key), name="build-frames")
            self._building[key] = build
        return self._keep(key, await asyncio.shield(self._building[key]))

    def _keep(self, key: tuple[Form, int], chunks: Chunks) -> Chunks:
        self._building.pop(key, None)
        if len(self._built) >= _KEPT_FORMS:
            self._built.clear()
        self._built[key] = chunks
        return chunks

    def _build(self, form: Form, sequence: int) -> Chunks:
        batch = self.batch
        if form == "packed" and sequence == batch.first_sequence:
            return _packed(batch)
        if form == "plain":
            events = self._events_from(sequence)
            return websocket_chunks((*events, *batch.custom_events, *batch.errors))
        if form == "stream":
            events = self._events_from(sequence)
            return event_stream_chunks(sequence, events, batch.custom_events, batch.errors)
        whole = sequence == batch.first_sequence
        text = self._events_json if whole else _array(self._events_from(sequence))
        return websocket_chunks([b'{%s,"events":%s}' % (_head_members(batch, sequence), text)])

    def _events_from(self, sequence: int) -> list[bytes]:
        return split_events(self._events_json)[sequence - self.batch.first_sequence :]


async def frames_of(batch: StoredBatch) -> BatchFrames:
    """Inflate a batch, off the event loop when it is large."""
    if not batch.event_data:
        return BatchFrames(batch, b"[]")
    if batch.codec == "identity":
        return BatchFrames(batch, batch.event_data)
    if len(batch.event_data) <= _INLINE_STORED:
        return BatchFrames(batch, inflate(batch.event_data, batch.codec))
    return BatchFrames(batch, await asyncio.to_thread(inflate, batch.event_data, batch.codec))


def _packed(batch: StoredBatch) -> Chunks:
    """Return the length of a JSON head (4 bytes, big-endian), the head, and the stored bytes; what
    was cut out of a segment is compressed anew, as its client might have done.
    """
    codec, data = batch.codec, batch.event_data
    if codec == "identity":
        codec, data = "zlib", data and deflate(data)
    head = b'{"codec":"%s",%s}' % (codec.encode(), _head_members(batch, batch.first_sequence))
    return websocket_chunks([struct.pack("!I", len(head)) + head + data], BINARY)


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
