"""What the store promises of sequences, keyframes and pages."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from spectraview.storage.batch_store import BatchStore
from spectraview.storage.database import Database
from spectraview.storage.models import Position
from spectraview.storage.store import Store
from tests.storage.batches import META, MOVE, SNAPSHOT, append, events_of, make_batch, start


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


@pytest.fixture
def batch_store(database: Database) -> BatchStore:
    """The batches in the test's database."""
    return BatchStore(database)


@pytest.fixture
async def session_id(store: Store) -> UUID:
    """A session that has started."""
    return await start(store)


async def keyframe_of(store: Store, session_id: UUID) -> int | None:
    """Return the sequence of a session's newest keyframe."""
    session = await store.fetch_session(session_id)
    assert session is not None
    return session.keyframe_sequence


async def test_a_second_batch_continues_the_sequence(store: Store, session_id: UUID) -> None:
    await append(store, make_batch(session_id, MOVE, MOVE))
    (result,) = await append(store, make_batch(session_id, MOVE))
    assert (result.first_sequence, result.batch_number, result.next_sequence) == (2, 2, 3)


async def test_batches_of_one_group_follow_each_other(store: Store, session_id: UUID) -> None:
    results = await append(store, *(make_batch(session_id, *[MOVE] * n) for n in (3, 1, 2)))
    assert [result.first_sequence for result in results] == [0, 3, 4]
    assert [result.batch_number for result in results] == [1, 2, 3]


async def test_a_batch_without_events_takes_no_sequence(store: Store, session_id: UUID) -> None:
    custom = {"eventType": "a", "timestamp": 1}
    results = await append(
        store,
        make_batch(session_id, MOVE),
        make_batch(session_id, customEvents=[custom]),
        make_batch(session_id, MOVE),
    )
    assert [result.first_sequence for result in results] == [0, 1, 1]


async def test_groups_of_many_processes_leave_no_gap(store: Store, batch_store: BatchStore) -> None:
    sessions = [await start(store) for _ in range(3)]
    groups = [[make_batch(one, *[MOVE] * (n % 3 + 1)) for one in sessions] for n in range(12)]
    await asyncio.gather(*(append(store, *reversed(group)) for group in groups))
    for session_id in sessions:
        session = await store.fetch_session(session_id)
        assert session is not None
        batches = await batch_store.fetch_batches(session_id, session.day, Position(), 99, 10**9)
        assert [batch.batch_number for batch in batches] == list(range(1, 13))
        ends = [0, *(batch.next_sequence for batch in batches)]
        assert [batch.first_sequence for batch in batches] == ends[:-1]
        assert ends[-1] == session.next_sequence == session.event_count == 24


async def test_a_refused_batch_leaves_no_gap(store: Store, session_id: UUID) -> None:
    foreign = make_batch(session_id, MOVE, appId="blog")
    _, refused, last = await store.append_batches(
        [make_batch(session_id, MOVE), foreign, make_batch(session_id, MOVE)], within=10
    )
    assert refused is not None
    assert refused.other_app
    assert not refused.stored
    assert last is not None
    assert (last.first_sequence, last.batch_number) == (1, 2)


async def test_a_repeated_batch_is_told_its_first_place(store: Store, session_id: UUID) -> None:
    batch = make_batch(session_id, MOVE)
    await append(store, make_batch(session_id, MOVE, MOVE), batch)
    (again,) = await append(store, batch)
    assert again.duplicate
    assert (again.first_sequence, again.batch_number) == (2, 2)


async def test_a_batch_of_no_session_is_not_stored(store: Store) -> None:
    assert await store.append_batches([make_batch(uuid4(), MOVE)], within=10) == [None]


async def test_what_is_stored_is_what_came(
    store: Store, batch_store: BatchStore, session_id: UUID
) -> None:
    events = [META, SNAPSHOT, MOVE]
    await append(store, make_batch(session_id, *events))
    session = await store.fetch_session(session_id)
    assert session is not None
    (batch,) = await batch_store.fetch_batches(session_id, session.day, Position(), 1, 10**9)
    assert events_of(batch.event_data) == events


async def test_a_page_holds_as_many_batches_as_fit(
    store: Store, batch_store: BatchStore, session_id: UUID
) -> None:
    wide = MOVE | {"data": "x" * 1000}
    await append(store, *(make_batch(session_id, wide) for _ in range(5)))
    session = await store.fetch_session(session_id)
    assert session is not None
    position, pages = Position(), []
    while page := await batch_store.fetch_batches(session_id, session.day, position, 5, 2500):
        pages.append([batch.batch_number for batch in page])
        position = Position(page[-1].batch_number, page[-1].next_sequence)
    assert pages == [[1, 2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("batches", "keyframe"),
    [
        ([[META, SNAPSHOT, MOVE]], 0),
        ([[MOVE, META, SNAPSHOT]], 1),
        ([[META, SNAPSHOT], [MOVE, META, SNAPSHOT]], 3),
        ([[META, SNAPSHOT, MOVE, META, SNAPSHOT]], 3),
        ([[MOVE, META], [SNAPSHOT, MOVE]], 1),
        ([[META, SNAPSHOT], [MOVE, META], [SNAPSHOT]], 3),
        ([[META], [MOVE], [SNAPSHOT]], 0),
        ([[SNAPSHOT, MOVE]], 0),
        ([[MOVE], [MOVE, SNAPSHOT]], 2),
        ([[META]], None),
        ([[MOVE]], None),
        ([[META, SNAPSHOT], [MOVE], [META]], 0),
    ],
)
@pytest.mark.parametrize("grouped", [True, False])
async def test_the_keyframe_is_the_meta_of_the_newest_snapshot(
    store: Store,
    session_id: UUID,
    batches: list[list[dict[str, Any]]],
    keyframe: int | None,
    grouped: bool,
) -> None:
    made = [make_batch(session_id, *events) for events in batches]
    for group in [made] if grouped else [[batch] for batch in made]:
        await append(store, *group)
    assert await keyframe_of(store, session_id) == keyframe


async def test_a_receipt_tells_whether_the_keyframe_was_missing(
    store: Store, session_id: UUID
) -> None:
    (first,) = await append(store, make_batch(session_id, META, SNAPSHOT))
    (second,) = await append(store, make_batch(session_id, MOVE))
    assert (first.keyframe_missing, second.keyframe_missing) == (True, False)


async def test_a_session_is_deleted_while_batches_come_and_nothing_is_left(
    database_url: str, session_id: UUID
) -> None:
    async with Database(database_url, connections=8, timeout=10) as database:
        store = Store(database)
        deletion = "SELECT delete_sessions(ARRAY[%(id)s]::uuid[])"
        await asyncio.gather(
            *(store.append_batches([make_batch(session_id, MOVE)], within=10) for _ in range(20)),
            database.fetch_all(deletion, {"id": session_id}),
            *(store.append_batches([make_batch(session_id, MOVE)], within=10) for _ in range(20)),
        )
        assert await store.fetch_session(session_id) is None
        for table in ("session_events", "ingest_batches"):
            query = f"SELECT 1 FROM {table} WHERE session_id = %(id)s"
            assert await database.fetch_all(query, {"id": session_id}) == []


async def test_a_deleted_session_takes_everything_with_it(
    store: Store, database: Database, session_id: UUID
) -> None:
    lists = {
        "customEvents": [{"eventType": "a", "timestamp": 1}],
        "errors": [{"type": "a", "timestamp": 1}],
    }
    await append(store, make_batch(session_id, MOVE, **lists))
    await database.fetch_all("SELECT delete_sessions(ARRAY[%(id)s]::uuid[])", {"id": session_id})
    for table in ("session_events", "custom_events", "session_errors", "ingest_batches"):
        query = f"SELECT 1 FROM {table} WHERE session_id = %(id)s"
        assert await database.fetch_all(query, {"id": session_id}) == []


async def test_a_batch_is_stored_with_its_marks(
    database: Database, store: Store, session_id: UUID
) -> None:
    batches = [make_batch(session_id, META, MOVE), make_batch(session_id, SNAPSHOT, MOVE)]
    await append(store, *batches)
    rows = await database.fetch_all(
        "SELECT marks FROM session_events WHERE session_id = %(id)s ORDER BY batch_number",
        {"id": session_id},
    )
    assert [bytes(row[0]) for row in rows] == [batch.events.marks for batch in batches]
    assert all(batch.events.marks for batch in batches)
