"""The benchmark notices events lost, doubled or out of order, however the bytes are cut."""

from collections.abc import Iterable, Sequence

import pytest

from bench.streams import READY, SharedStream, StreamReader
from spectraview.live.wire import message_frame, websocket_chunks

PING = b"\x89\x02hi"
PONG = b"\x8a\x82\0\0\0\0hi"


def event_frame(number: int, text: str = "x") -> bytes:
    (frame,) = websocket_chunks(
        [b'{"type":3,"data":{"bench":%d,"text":"%s"}}' % (number, text.encode())]
    )
    return frame


def frames_of(numbers: Iterable[int]) -> bytes:
    return b"".join(map(event_frame, numbers))


def cut(content: bytes, size: int) -> Sequence[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def read(stream: SharedStream, content: bytes, size: int = 1000) -> StreamReader:
    """Return a viewer that got the content in pieces."""
    reader = StreamReader(stream)
    for piece in cut(content, size):
        reader.take(piece)
    return reader


def findings(reader: StreamReader) -> tuple[int, int, int, int]:
    return reader.delivered, reader.reached, reader.doubled, reader.disordered


@pytest.fixture
def stream() -> SharedStream:
    """What a first viewer got: events 0 to 9."""
    stream = SharedStream()
    read(stream, frames_of(range(10)))
    return stream


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_complete_streams_are_delivered(stream: SharedStream, size: int) -> None:
    for _ in range(3):
        assert findings(read(stream, frames_of(range(12)), size)) == (12, 12, 0, 0)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([0, 1, 3, 4], (4, 5, 0, 0)),
        ([0, 1, 1, 2], (3, 3, 1, 0)),
        ([0, 2, 1, 3], (4, 4, 0, 1)),
        ([1, 2, 3], (3, 4, 0, 0)),
        ([0, 1, 2, 0], (3, 3, 1, 0)),
    ],
    ids=["lost", "doubled", "out of order", "first lost", "repeated later"],
)
def test_faults_are_found(
    stream: SharedStream, numbers: list[int], found: tuple[int, ...], size: int
) -> None:
    assert findings(read(stream, frames_of(numbers), size)) == found
    assert findings(read(SharedStream(), frames_of(numbers), size)) == found


def test_a_faulty_first_viewer_spoils_no_other() -> None:
    stream = SharedStream()
    read(stream, frames_of([0, 1, 5, 6]))
    assert findings(read(stream, frames_of(range(7)))) == (7, 7, 0, 0)


def test_an_event_that_looks_different_is_the_same_event(stream: SharedStream) -> None:
    content = event_frame(0) + event_frame(1, "another text") + event_frame(2)
    assert findings(read(stream, content)) == (3, 3, 0, 0)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_pings_are_answered_and_other_messages_ignored(stream: SharedStream, size: int) -> None:
    content = message_frame({"type": "subscribed"}) + event_frame(0) + PING + event_frame(1)
    reader = read(stream, content, size)
    assert findings(reader) == (2, 2, 0, 0)
    assert reader.replies == [PONG]


def test_a_viewer_is_ready_with_its_first_event(stream: SharedStream) -> None:
    reader = read(stream, message_frame({"type": "subscribed"}))
    assert not reader.ready
    reader.take(event_frame(READY))
    assert reader.ready
    assert reader.reached == 0
