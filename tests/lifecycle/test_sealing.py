"""What sealing makes of a session: the same events in far fewer bytes, and nothing else changes."""

import asyncio
import zlib
from collections.abc import Sequence
from random import Random
from uuid import UUID

import pytest

from spectraview.lifecycle.sealing import Sealer, rest_of
from spectraview.lifecycle.segment_builder import SegmentBuilder, SegmentSizes
from spectraview.storage.codec import CorruptData
from spectraview.storage.models import Position
from spectraview.storage.sealing import UnsealedBatch
from spectraview.storage.segments import Segment
from spectraview.storage.zstd import compress, decompress
from tests.lifecycle.sealed import TINY, Sealed, body_of, parsed, random_bodies
from tests.recordings import batches_of, load_recording
from tests.storage.batches import META, MOVE, SNAPSHOT

WIDE = MOVE | {"data": {"source": 1, "text": "x" * 900}}
CUSTOM = {"eventType": "a", "timestamp": 1}
ONE_SEGMENT = SegmentSizes()


def keyframes(segments: list[Segment]) -> list[int]:
    """Return the sequences of all keyframes that segments list."""
    return [sequence for segment in segments for sequence in segment.keyframe_sequences]


async def test_a_sealed_session_reads_as_before(sealed: Sealed) -> None:
    bodies = [body_of(batch) for batch in batches_of(load_recording("gentelella-medium"))]
    session_id = await sealed.record(*bodies)
    before = await sealed.seen(session_id)
    report = await sealed.sealer(ONE_SEGMENT).seal(10)
    assert (report.sessions, report.segments, report.failed) == (1, 1, 0)
    assert report.batches == len(bodies)
    assert await sealed.is_sealed(session_id)
    assert await sealed.count_rows(session_id) == 0
    assert await sealed.seen(session_id) == before
    assert report.size_bytes / report.stored_bytes > 15


async def test_sealing_looks_after_each_session_whether_to_rest(sealed: Sealed) -> None:
    sessions = [await sealed.record(body_of([MOVE])) for _ in range(3)]
    waits, shares = iter([1.0, 0.0, 1.0]), iter([0.9, 0.0, 0.6])
    sealer = Sealer(
        sealed.database,
        sealed.data,
        seal_after=0,
        commit_seconds=lambda: next(waits),
        loop_busy=lambda: next(shares),
    )
    assert (await sealer.seal(10)).sessions == 3
    assert list(waits) == list(shares) == []
    assert all([await sealed.is_sealed(session_id) for session_id in sessions])


def test_the_longer_ingest_waits_the_longer_sealing_rests() -> None:
    at_ease, slow_commits, busy, very_busy = (
        rest_of(commit_seconds, loop_busy)
        for commit_seconds, loop_busy in [(0.005, 0.2), (0.05, 0.2), (0.005, 0.6), (0.005, 0.9)]
    )
    assert at_ease == 0 < slow_commits == busy < very_busy


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_a_session_holds_it_reads_as_before(sealed: Sealed, seed: int) -> None:
    random = Random(seed)
    session_id = await sealed.record(*random_bodies(random, 30))
    for late in (0, 3, 1, 15):
        await sealed.add(session_id, *random_bodies(random, late))
        before = await sealed.seen(session_id)
        sequences = random.choices(range(before[-1].first_sequence + 2), k=15)
        places = await places_in(sealed, session_id, sequences)
        assert (await sealed.sealer().seal(10)).failed == 0
        assert await sealed.is_sealed(session_id)
        assert await sealed.count_rows(session_id) == 0
        for page_bytes in (1500, 10**9):
            assert await sealed.seen(session_id, page_bytes) == before
        assert await places_in(sealed, session_id, sequences) == places
        await assert_keyframes_are_where_they_say(sealed, session_id)


async def places_in(
    sealed: Sealed, session_id: UUID, sequences: Sequence[int]
) -> list[Position | None]:
    """Return where batches are found by sequences, and by as many numbers."""
    session = await sealed.store.fetch_session(session_id)
    assert session is not None
    store, day = sealed.store, session.day
    return [await store.find_batch(session_id, day, sequence) for sequence in sequences] + [
        await store.find_batch_end(session_id, day, number + 1) for number in range(len(sequences))
    ]


async def assert_keyframes_are_where_they_say(sealed: Sealed, session_id: UUID) -> None:
    """Assert that at each keyframe's offset the event with its sequence begins."""
    session = await sealed.store.fetch_session(session_id)
    assert session is not None
    segments = await sealed.segments.list_segments(session.session_id, session.day)
    end = Position()
    for segment in segments:
        assert (segment.first_batch - 1, segment.first_sequence) == (end.batch_number, end.sequence)
        end = Position(segment.last_batch, segment.next_sequence)
        frame = await sealed.data.read(session.session_id, session.day, segment)
        json = decompress(frame, segment.size_bytes)
        assert len(json) == segment.size_bytes
        assert len(frame) == segment.stored_bytes
        assert list(segment.keyframe_sequences) == sorted(set(segment.keyframe_sequences))
        for sequence, offset in zip(
            segment.keyframe_sequences, segment.keyframe_offsets, strict=True
        ):
            assert segment.first_sequence <= sequence < segment.next_sequence
            events_before = json[:offset].count(b'"timestamp"')
            assert segment.first_sequence + events_before == sequence
            assert json[offset : offset + 7] == b'{"type"'
    assert session.keyframe_sequence is None or session.keyframe_sequence in keyframes(segments)
    assert end == Position(session.batch_count, session.next_sequence)


async def test_a_segment_ends_before_a_keyframe_that_is_near(sealed: Sealed) -> None:
    bodies = [[WIDE], [WIDE], [WIDE], [META, SNAPSHOT], [WIDE], [WIDE]]
    session_id = await sealed.record(*map(body_of, bodies))
    await sealed.sealer().seal(10)
    assert [s.first_batch for s in await sealed.segments_of(session_id)] == [1, 4]


async def test_what_fits_into_one_segment_is_not_cut(sealed: Sealed) -> None:
    bodies = [[WIDE], [WIDE], [WIDE], [META, SNAPSHOT], [MOVE]]
    session_id = await sealed.record(*map(body_of, bodies))
    await sealed.sealer().seal(10)
    assert [s.first_batch for s in await sealed.segments_of(session_id)] == [1]


async def test_a_segment_ends_without_a_keyframe_when_it_is_large(sealed: Sealed) -> None:
    session_id = await sealed.record(*[body_of([WIDE])] * 6)
    await sealed.sealer().seal(10)
    assert [s.first_batch for s in await sealed.segments_of(session_id)] == [1, 5]


async def test_a_batch_larger_than_a_segment_is_one(sealed: Sealed) -> None:
    bodies = [[WIDE], [WIDE] * 9, [WIDE]]
    session_id = await sealed.record(*map(body_of, bodies))
    before = await sealed.seen(session_id)
    await sealed.sealer().seal(10)
    assert [s.first_batch for s in await sealed.segments_of(session_id)] == [1, 2, 3]
    assert await sealed.seen(session_id) == before


async def test_batches_without_events_are_sealed_too(sealed: Sealed) -> None:
    session_id = await sealed.record(*[body_of([], customEvents=[CUSTOM])] * 3)
    before = await sealed.seen(session_id)
    await sealed.sealer().seal(10)
    (segment,) = await sealed.segments_of(session_id)
    assert (segment.size_bytes, segment.event_count, segment.first_timestamp) == (0, 0, None)
    assert await sealed.seen(session_id) == before
    assert len(before) == 3


async def test_a_session_without_batches_is_sealed(sealed: Sealed) -> None:
    session_id = await sealed.record()
    report = await sealed.sealer().seal(10)
    assert (report.sessions, report.segments) == (1, 0)
    assert await sealed.is_sealed(session_id)
    assert (await sealed.sealer().seal(10)).sessions == 0


async def test_a_session_that_goes_on_is_not_sealed(sealed: Sealed) -> None:
    session_id = await sealed.record(body_of([MOVE]), end=False)
    assert (await sealed.sealer().seal(10)).sessions == 0
    assert not await sealed.is_sealed(session_id)


async def test_a_session_is_not_sealed_before_its_time(sealed: Sealed) -> None:
    await sealed.record(body_of([MOVE]))
    sealer = sealed.sealer()
    sealer._seal_after = 3600
    assert (await sealer.seal(10)).sessions == 0


async def test_a_trickle_of_late_batches_makes_few_segments(sealed: Sealed) -> None:
    session_id = await sealed.record(body_of([MOVE]))
    for _ in range(30):
        await sealed.sealer().seal(10)
        await sealed.add(session_id, body_of([MOVE]))
        assert not await sealed.is_sealed(session_id)
    await sealed.sealer().seal(10)
    segments = await sealed.segments_of(session_id)
    assert len(segments) == 1 + sum(s.size_bytes for s in segments[:-1]) // TINY.small
    assert [batch.event_count for batch in await sealed.seen(session_id)] == [1] * 31


async def test_a_late_snapshot_makes_a_keyframe_of_a_sealed_meta(sealed: Sealed) -> None:
    session_id = await sealed.record(body_of([WIDE, META]))
    await sealed.sealer().seal(10)
    await sealed.add(session_id, body_of([SNAPSHOT, MOVE]))
    await sealed.sealer().seal(10)
    segments = await sealed.segments_of(session_id)
    assert [segment.keyframe_sequences for segment in segments] == [(1,), ()]
    await assert_keyframes_are_where_they_say(sealed, session_id)


async def test_a_batch_that_is_sent_again_after_sealing_is_known(sealed: Sealed) -> None:
    session_id = await sealed.record(end=False)
    batch = parsed(session_id, body_of([MOVE]))
    await sealed.store.append_batches([batch], within=10)
    await sealed.end(session_id)
    await sealed.sealer().seal(10)
    (again,) = await sealed.store.append_batches([batch], within=10)
    assert again is not None
    assert (again.duplicate, again.conflict, again.batch_number) == (True, False, 1)
    assert await sealed.is_sealed(session_id)


@pytest.mark.parametrize(
    "damage",
    [
        "event_data = substr(event_data, 1, 20)",
        "event_data = %(other)s",
        "size_bytes = size_bytes + 1",
        "event_count = event_count - 1",
        "codec = 'gzip'",
    ],
)
async def test_a_damaged_batch_leaves_its_session_as_it_is(sealed: Sealed, damage: str) -> None:
    session_id = await sealed.record(*[body_of([WIDE])] * 6)
    healthy = await sealed.record(body_of([MOVE]))
    await sealed.database.fetch_all(
        f"UPDATE session_events SET {damage} WHERE session_id = %(id)s AND batch_number = 6",
        {"id": session_id, "other": zlib.compress(b"[{]")},
    )
    report = await sealed.sealer().seal(10)
    assert (report.sessions, report.failed) == (1, 1)
    assert await sealed.is_sealed(healthy)
    assert not await sealed.is_sealed(session_id)
    assert await sealed.count_rows(session_id) == 2
    assert (await sealed.sealer().seal(10)).failed == 0, "it is tried again at once"


async def test_a_missing_batch_leaves_its_session_as_it_is(sealed: Sealed) -> None:
    session_id = await sealed.record(*[body_of([MOVE])] * 6)
    await sealed.database.fetch_all(
        "DELETE FROM session_events WHERE session_id = %(id)s AND batch_number = 3",
        {"id": session_id},
    )
    assert (await sealed.sealer().seal(10)).failed == 1
    assert await sealed.count_rows(session_id) == 5


async def test_several_sealers_at_once_share_the_sessions(sealed: Sealed) -> None:
    session_ids = [await sealed.record(*random_bodies(Random(n), 20)) for n in range(12)]
    before = [await sealed.seen(session_id) for session_id in session_ids]
    reports = await asyncio.gather(*(sealed.sealer().seal(20) for _ in range(4)))
    assert sum(report.sessions for report in reports) == len(session_ids)
    assert sum(report.failed for report in reports) == 0
    assert [await sealed.seen(session_id) for session_id in session_ids] == before


async def test_sealers_without_leases_do_not_harm_each_other(sealed: Sealed) -> None:
    session_ids = [await sealed.record(*random_bodies(Random(n), 60)) for n in range(6)]
    before = [await sealed.seen(session_id) for session_id in session_ids]
    sealers = [sealed.sealer(lease=0) for _ in range(4)]
    reports = await asyncio.gather(*(sealer.seal(20) for sealer in sealers))
    assert sum(report.batches for report in reports) == sum(map(len, before))
    assert sum(report.failed for report in reports) == 0
    assert [await sealed.seen(session_id) for session_id in session_ids] == before


async def test_batches_that_come_while_a_session_is_sealed_are_kept(sealed: Sealed) -> None:
    session_id = await sealed.record(*[body_of([WIDE])] * 30)
    sealing = asyncio.create_task(sealed.sealer(lease=0).seal(50))
    for _ in range(30):
        await sealed.add(session_id, body_of([WIDE]))
    await sealing
    assert len(await sealed.seen(session_id)) == 60
    await sealed.sealer().seal(10)
    assert await sealed.is_sealed(session_id)
    assert len(await sealed.seen(session_id)) == 60


async def test_a_session_is_deleted_while_it_is_sealed_and_nothing_is_left(sealed: Sealed) -> None:
    session_id = await sealed.record(*[body_of([WIDE])] * 30)
    sealing = asyncio.create_task(sealed.sealer().seal(10))
    deletion = "SELECT delete_sessions(ARRAY[%(id)s]::uuid[])"
    await sealed.database.fetch_all(deletion, {"id": session_id})
    assert (await sealing).failed == 0
    for table in ("session_events", "session_segments"):
        query = f"SELECT 1 FROM {table} WHERE session_id = %(id)s"
        assert await sealed.database.fetch_all(query, {"id": session_id}) == []


@pytest.mark.parametrize("damaged", [b"[", b"{}", b'{"a":1},{"a":2}'])
def test_a_frame_that_holds_something_else_is_not_stored(damaged: bytes) -> None:
    builder = SegmentBuilder(Position(), ONE_SEGMENT, 0)
    data = zlib.compress(b'[{"a":1}]')
    numbers = (1, 0, 1, 0, 0, 5, 5, len(b"[{}]") + 5)
    builder.take(UnsealedBatch(*numbers, "zlib", data, (3,), (), ()))
    builder.build(builder.compress())
    with pytest.raises(CorruptData):
        builder.build(compress(damaged))


async def test_a_segment_that_is_damaged_in_the_store_is_not_read(sealed: Sealed) -> None:
    session_id = await sealed.record(body_of([MOVE]))
    await sealed.sealer().seal(10)
    await sealed.database.fetch_all(
        "UPDATE session_segments"
        " SET event_data = set_byte(event_data, 9, get_byte(event_data, 9) # 1)"
    )
    with pytest.raises(CorruptData):
        await sealed.seen(session_id)


async def test_rage_and_dead_clicks_are_counted(sealed: Sealed) -> None:
    clicks = [
        {
            "type": 3,
            "data": {"source": 2, "type": 2, "id": 1, "x": 5, "y": 5},
            "timestamp": 1_700_000_000_000 + 100 * n,
        }
        for n in range(3)
    ]
    later = MOVE | {"timestamp": 1_700_000_009_000}
    session_id = await sealed.record(body_of(clicks[:2]), body_of([clicks[2], later]))
    await sealed.sealer().seal(10)
    rows = await sealed.database.fetch_all(
        "SELECT rage_click_count, dead_click_count FROM sessions"
    )
    assert rows == [(1, 3)]
    assert await sealed.is_sealed(session_id)
