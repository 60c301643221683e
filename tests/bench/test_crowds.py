"""The crowds that the benchmark makes get what they should, and those that stall are cut."""

import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bench.crowds_messages import MessageReader
from bench.errors import BenchError
from bench.viewers import allow_files
from spectraview.live.wire import CHUNK_BYTES, message_frame, websocket_chunks
from tests.bench.test_bench import RECORDED_EVENTS, read_results, run_bench
from tests.conftest import ApiFactory

KEYFRAME = 2  # the first, of two events, in the recording
CROWDS = {"idle", "stalled", "storm, new viewers", "storm, viewers that resume"}
PING = b"\x89\x02hi"
PONG = b"\x8a\x82\0\0\0\0hi"


async def test_crowds_get_what_they_should(make_api: ApiFactory, tmp_path: Path) -> None:
    api = await make_api(stall_timeout=0.3, viewer_buffer=1000)
    report = tmp_path / "report.json"
    sizes = ("--stalled", "3", "--rounds", "1", "--storm", "20", "--idle", "20")
    options = ("--seconds", "0.5", "--rate", "40", *sizes)
    status, printed = await run_bench(api, report, "crowds", *options)
    assert status == 0, printed
    results = read_results(report)
    assert set(results) == CROWDS
    figures = {name: result["figures"] for name, result in results.items()}

    stalled = figures["stalled"]
    assert stalled["stalled viewers cut"] == 3
    assert stalled["delivered"] == 2 * 3 * 20 * 50
    assert stalled["lost"] == stalled["doubled"] == stalled["out of order"] == 0

    crowds = [figures[name] for name in sorted(CROWDS - {"stalled"})]
    assert [crowd["viewers synced"] for crowd in crowds] == [20, 20, 20]
    assert [crowd["out of place"] for crowd in crowds] == [0, 0, 0]
    events = [0, 20 * (RECORDED_EVENTS - KEYFRAME), 20 * 60]
    assert [crowd["events received"] for crowd in crowds] == events


async def test_stalled_viewers_that_are_kept_are_a_problem(
    make_api: ApiFactory, tmp_path: Path
) -> None:
    api = await make_api(stall_timeout=60)
    report = tmp_path / "report.json"
    options = ("--seconds", "0.1", "--stalled", "1", "--rounds", "1", "--cut-timeout", "0.5")
    status, printed = await run_bench(api, report, "stalled", *options)
    assert status == 1
    assert "1 stalled viewers were not cut within 0.5 s" in printed


def events_message(first: int, last: int, size: int = 0) -> bytes:
    text = b'{"type":"events","sequence":[%d,%d],"batch":1,"events":["%s"]}'
    return b"".join(websocket_chunks([text % (first, last, b"x" * size)]))


def stream(*ranges: tuple[int, int]) -> Iterator[bytes]:
    yield message_frame({"type": "subscribed", "protocol": 2, "sequence": 5, "head": 9})
    yield message_frame({"type": "viewers", "viewers": 3})
    for first, last in ranges:
        yield events_message(first, last, size=300)
        yield PING
    yield message_frame({"type": "synced", "sequence": 10})


def read(content: bytes, size: int) -> MessageReader:
    reader = MessageReader()
    for start in range(0, len(content), size):
        reader.take(content[start : start + size])
    return reader


@pytest.mark.parametrize("size", [1, 3, 100, 10_000])
@pytest.mark.parametrize(
    ("ranges", "events", "misplaced"),
    [
        ([(5, 6), (7, 6), (7, 9)], 5, 0),
        ([(5, 6), (8, 9)], 4, 1),
        ([(5, 7), (7, 9)], 6, 1),
        ([(5, 6)], 2, 1),
    ],
    ids=["complete", "lost", "doubled", "end lost"],
)
def test_what_a_viewer_got_is_told_from_its_messages(
    ranges: Sequence[tuple[int, int]], events: int, misplaced: int, size: int
) -> None:
    reader = read(b"".join(stream(*ranges)), size)
    assert reader.subscribed
    assert reader.synced
    assert (reader.events, reader.misplaced) == (events, misplaced)
    assert reader.replies == [PONG] * len(ranges)


def test_fragments_are_one_message() -> None:
    head = message_frame({"type": "subscribed", "protocol": 2, "sequence": 0, "head": 2})
    content = head + events_message(0, 1, size=3 * CHUNK_BYTES)
    reader = read(content, 65_536)
    assert (reader.events, reader.misplaced) == (2, 0)


def test_too_few_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    with pytest.raises(BenchError, match="files must be open; the limit is 200"):
        allow_files(200)
