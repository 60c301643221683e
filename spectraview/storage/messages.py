"""What processes tell each other about a session, as MessagePack on its channel
`live:{session_id}`.
"""

import msgspec

from spectraview.storage.models import Codec, StoredBatch

LARGEST_PAYLOAD = 65_536
"""Bytes of event data that travel in a message; more is left in PostgreSQL and only pointed to."""


class BatchStored(msgspec.Struct, array_like=True, tag="batch", frozen=True):
    """A batch was committed; without `event_data` it has to be read from the store."""

    batch_number: int
    first_sequence: int
    event_count: int
    codec: Codec
    event_data: bytes | None
    custom_events: tuple[bytes, ...] = ()
    errors: tuple[bytes, ...] = ()

    def batch(self) -> StoredBatch | None:
        """Return the batch, None when the message only points to it."""
        if self.event_data is None:
            return None
        return StoredBatch(
            self.batch_number,
            self.first_sequence,
            self.event_count,
            self.codec,
            self.event_data,
            self.custom_events,
            self.errors,
        )


class SessionEnded(msgspec.Struct, array_like=True, tag="end", frozen=True):
    """A session ended with its batch `batch_count`."""

    batch_count: int


class SessionDeleted(msgspec.Struct, array_like=True, tag="deleted", frozen=True):
    """A session was deleted, with all that it had."""


Message = BatchStored | SessionEnded | SessionDeleted

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


class InvalidMessage(Exception):
    """Bytes on a channel that are no message of this version."""


def batch_message(batch: StoredBatch) -> BatchStored:
    """Return the message for a stored batch, a pointer when it is large."""
    payload = len(batch.event_data) + sum(map(len, batch.custom_events + batch.errors))
    small = payload <= LARGEST_PAYLOAD
    return BatchStored(
        batch.batch_number,
        batch.first_sequence,
        batch.event_count,
        batch.codec,
        batch.event_data if small else None,
        batch.custom_events if small else (),
        batch.errors if small else (),
    )


def encode_message(message: Message) -> bytes:
    """Return a message's bytes."""
    return _encoder.encode(message)


def decode_message(data: bytes) -> Message:
    """Return the message in `data`. Raises InvalidMessage."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise InvalidMessage(str(error)) from error
