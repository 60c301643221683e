"""Group commit: what waits is stored together, and what can't be stored fails alone."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from spectraview.errors import InvalidBody, Overloaded, SessionNotFound
from spectraview.ingest.committer import Committer
from spectraview.storage import queries
from spectraview.storage.append import Appended, append_parameters
from spectraview.storage.cache import Announcement
from spectraview.storage.database import Database
from spectraview.storage.models import Batch, CustomEvent
from spectraview.storage.store import Store
from tests.storage.batches import MOVE, make_batch, start


@pytest.fixture
def database_url(shared_database_url: str) -> str:
    return shared_database_url


class Announced:
    """Remembers what was announced, group by group."""

    def __init__(self) -> None:
        self.groups: list[Sequence[Announcement]] = []

    def __call__(self, announcements: Sequence[Announcement]) -> None:
        self.groups.append(announcements)


@pytest.fixture
def announced() -> Announced:
    return Announced()


@pytest.fixture
async def committer(store: Store, announced: Announced) -> AsyncIterator[Committer]:
    """A running committer."""
    async with Committer(
        store, announced, timeout=10, max_pending=100_000, max_wait=10, ttl_hours=72
    ) as committer:
        yield committer


@pytest.fixture
async def session_id(store: Store) -> UUID:
    """A session that has started."""
    return await start(store)


def poisoned(batch: Batch, event_type: str = "a", body: bytes = b"{}", time: int = 1) -> Batch:
    """Return a batch that no parser would let through."""
    return replace(batch, custom_events=(CustomEvent(event_type, time, body),))


POISON = [
    {"event_type": "\0"},
    {"event_type": "\ud800"},
    {"event_type": "x" * 51},
    {"body": b"{"},
    {"body": b'"\x01"'},
    {"time": 2**63},
]


@pytest.mark.parametrize("poison", POISON)
async def test_a_poisoned_batch_fails_alone(
    committer: Committer, store: Store, poison: dict[str, object]
) -> None:
    sessions = [await start(store) for _ in range(9)]
    batches = [make_batch(session_id, MOVE) for session_id in sessions]
    batches[4] = poisoned(batches[4], **poison)  # type: ignore[arg-type]
    outcomes = await asyncio.gather(
        *(committer.commit(batch) for batch in batches), return_exceptions=True
    )
    assert isinstance(outcomes.pop(4), InvalidBody)
    assert all(not isinstance(outcome, BaseException) for outcome in outcomes)
    counts = [await events_of(store, session_id) for session_id in sessions]
    assert counts == [1, 1, 1, 1, 0, 1, 1, 1, 1]


async def events_of(store: Store, session_id: UUID) -> int:
    """Return how many events a session has."""
    session = await store.fetch_session(session_id)
    assert session is not None
    return session.event_count


async def test_the_session_of_a_poisoned_batch_takes_the_next(
    committer: Committer, session_id: UUID
) -> None:
    with pytest.raises(InvalidBody):
        await committer.commit(poisoned(make_batch(session_id, MOVE), body=b"{"))
    stored = await committer.commit(make_batch(session_id, MOVE))
    assert (stored.first_sequence, stored.batch_number) == (0, 1)


async def test_what_waits_is_stored_together(
    committer: Committer, announced: Announced, session_id: UUID
) -> None:
    await asyncio.gather(*(committer.commit(make_batch(session_id, MOVE)) for _ in range(30)))
    assert len(announced.groups) <= 2
    numbers = [told.batch.batch_number for group in announced.groups for told in group]
    assert numbers == list(range(1, 31))


async def test_what_is_told_is_committed(
    store: Store, database: Database, session_id: UUID
) -> None:
    seen: list[int] = []

    def look(announcements: Sequence[Announcement]) -> None:
        seen.extend(told.batch.batch_number for told in announcements)

    async with Committer(
        store, look, timeout=10, max_pending=10**6, max_wait=10, ttl_hours=1
    ) as committer:
        await committer.commit(make_batch(session_id, MOVE))
    rows = await database.fetch_all(
        "SELECT batch_number FROM session_events WHERE session_id = %(id)s", {"id": session_id}
    )
    assert [(number,) for number in seen] == rows == [(1,)]


async def test_too_much_at_once_is_turned_away(committer: Committer, session_id: UUID) -> None:
    large = make_batch(session_id, MOVE)
    large = replace(large, size_bytes=1_500_000)
    outcomes = await asyncio.gather(
        *(committer.commit(replace(large, batch_key=bytes([n]) * 32)) for n in range(5)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(refused) == 4
    assert all(error.retry_after in range(2, 9) for error in refused)


@pytest.fixture
async def impatient(store: Store) -> AsyncIterator[Committer]:
    """A committer for which every wait is too long."""
    async with Committer(
        store, lambda _: None, timeout=10, max_pending=10**6, max_wait=1e-9, ttl_hours=1
    ) as committer:
        yield committer


async def two_at_once(committer: Committer, session_id: UUID) -> "asyncio.Future[list[Appended]]":
    """Commit a batch, and another that waits until the first is stored."""
    commits = []
    for _ in range(2):
        commits.append(asyncio.create_task(committer.commit(make_batch(session_id, MOVE))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return asyncio.gather(*commits)


async def test_there_is_no_room_while_batches_wait_too_long(
    impatient: Committer, session_id: UUID
) -> None:
    impatient.check_room()
    await impatient.commit(make_batch(session_id, MOVE))
    impatient.check_room()
    both = await two_at_once(impatient, session_id)
    with pytest.raises(Overloaded) as refused:
        impatient.check_room()
    assert refused.value.retry_after in range(2, 9)
    await both
    impatient.check_room()


async def test_there_is_room_while_the_wait_is_for_postgresql(
    impatient: Committer, session_id: UUID
) -> None:
    both = await two_at_once(impatient, session_id)
    impatient.check_room()  # nothing was committed yet: who waits is not behind others
    await both


async def test_a_batch_of_no_session_and_no_app_is_not_found(committer: Committer) -> None:
    with pytest.raises(SessionNotFound):
        await committer.commit(make_batch(uuid4(), MOVE, appId=None))


async def test_a_refused_batch_is_let_go_without_a_search_for_garbage(committer: Committer) -> None:
    batch = make_batch(uuid4(), MOVE, appId=None)
    key = batch.batch_key
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(SessionNotFound):
            await committer.commit(batch)
        del batch
        await asyncio.sleep(0)
        kept = [each for each in gc.get_objects() if isinstance(each, Batch)]
    finally:
        gc.enable()
    assert key not in {each.batch_key for each in kept}


async def test_a_batch_that_names_its_app_makes_its_session(
    committer: Committer, store: Store
) -> None:
    session_id = uuid4()
    await asyncio.gather(*(committer.commit(make_batch(session_id, MOVE)) for _ in range(5)))
    assert await events_of(store, session_id) == 5


async def test_leaving_stores_what_still_waits(store: Store, session_id: UUID) -> None:
    async with Committer(
        store, lambda _: None, timeout=10, max_pending=10**6, max_wait=10, ttl_hours=1
    ) as committer:
        waiting = [
            asyncio.create_task(committer.commit(make_batch(session_id, MOVE))) for _ in range(9)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert await events_of(store, session_id) == 9


async def test_a_client_that_leaves_does_not_stop_its_batch(
    committer: Committer, store: Store, session_id: UUID
) -> None:
    leaving = asyncio.create_task(committer.commit(make_batch(session_id, MOVE)))
    await asyncio.sleep(0)
    leaving.cancel()
    await committer.commit(make_batch(session_id, MOVE))
    assert await events_of(store, session_id) == 2


WAIT_UNTIL_BLOCKED = """
DO $$
BEGIN
  WHILE NOT EXISTS (
    SELECT 1 FROM pg_stat_activity WHERE %(holder)s = ANY(pg_blocking_pids(pid))
  ) LOOP
    PERFORM pg_sleep(0.01);
    PERFORM pg_stat_clear_snapshot();
  END LOOP;
END
$$
"""


async def blocks_somebody(database: Database, holder: Connection) -> None:
    """Return when somebody waits for what this connection holds."""
    await database.fetch_all(WAIT_UNTIL_BLOCKED, {"holder": holder.get_backend_pid()})


async def test_a_session_that_another_process_creates_meanwhile_gets_both_batches(
    store: Store,
    committer: Committer,
    announced: Announced,
    database: Database,
    database_url: str,
    session_id: UUID,
) -> None:
    contested = uuid4()
    theirs = make_batch(contested, MOVE)
    with closing(psycopg2.connect(database_url)) as other, other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sessions WHERE id = %s FOR UPDATE", (str(session_id),))
        # Our group looks for its sessions, finds no contested one, and waits for the locked one.
        ours = asyncio.gather(
            committer.commit(make_batch(contested, MOVE)),
            committer.commit(make_batch(session_id, MOVE)),
        )
        await blocks_somebody(database, other)
        await store.create_sessions([theirs], 72)
        with closing(psycopg2.connect(database_url)) as rival, rival.cursor() as append_cursor:
            append_cursor.execute(queries.APPEND_BATCHES, append_parameters([theirs]))
            other.commit()
            # Now it sees the contested session, not locked, and meets the rival's batch.
            await blocks_somebody(database, rival)
            rival.commit()
    contested_result, _ = await ours
    assert (contested_result.first_sequence, contested_result.batch_number) == (1, 2)
    assert (await store.fetch_heads([contested]))[contested].batch_count == 2
    assert [len(group) for group in announced.groups] == [2]  # the group was tried again whole


async def test_it_tells_how_long_batches_have_waited(
    committer: Committer, session_id: UUID
) -> None:
    assert committer.seconds == 0
    await committer.commit(make_batch(session_id, MOVE))
    assert committer.seconds > 0
