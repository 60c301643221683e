"""A crowd of viewers costs PostgreSQL no more look-ups than one, and none is told what was."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from spectraview.access.api_keys import ApiKeys
from spectraview.lifecycle.jobs import end_idle_sessions
from spectraview.live.looks import Looks
from spectraview.live.pages import Pages
from spectraview.live.watched import LiveLimits, WatchedSession
from spectraview.observability.measures import LiveMeasures
from spectraview.storage.batches import BatchReader
from spectraview.storage.cache import Cache
from spectraview.storage.database import Database
from spectraview.storage.messages import BatchStored
from spectraview.storage.models import Head
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.store import Store
from tests.api_client import ApiClient
from tests.conftest import ApiFactory
from tests.faults.proxy import FaultProxy
from tests.faults.weather import BlackHole, Carrier, Weather
from tests.live.stalled_viewer import StalledViewer
from tests.live.test_event_stream import stream
from tests.recordings import Event

NEVER = 600.0
"""An interval of the head poll that no test lives to see."""
VIEWERS = 12


class Counting(Weather):
    """Good weather that counts the statements with certain bytes."""

    def __init__(self, needle: bytes) -> None:
        super().__init__()
        self.count = 0
        self._needle = needle

    async def carry(self, link: Carrier, data: bytes, *, outward: bool) -> None:
        """Hand bytes on and count."""
        self.count += data.count(self._needle) if outward else 0
        await super().carry(link, data, outward=outward)


LOOK_UP = b"GREATEST(event_count, reported_event_count)"


def event(number: int, kind: int = 3) -> Event:
    """Return a made-up event that carries its number."""
    return {"type": kind, "data": {"number": number}, "timestamp": number}


@pytest.fixture
async def database_line(database_url: str) -> AsyncIterator[FaultProxy]:
    """A line to the test's PostgreSQL."""
    async with FaultProxy(urlsplit(database_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
async def redis_line(redis_url: str) -> AsyncIterator[FaultProxy]:
    """A line to the test's Valkey."""
    async with FaultProxy(urlsplit(redis_url).port or 0) as proxy:
        yield proxy


def through(url: str, proxy: FaultProxy) -> str:
    """Return an address that leads through a proxy."""
    return url.replace(f":{urlsplit(url).port}", f":{proxy.port}")


async def silence_redis(api: ApiClient, line: FaultProxy) -> None:
    """Let an application hear nothing of others any more."""
    line.change(BlackHole())
    assert (await api.get("/health")).status in (200, 503)


async def test_viewers_that_come_one_after_another_share_a_look(
    make_api: ApiFactory, database_url: str, database_line: FaultProxy
) -> None:
    api = await make_api(database_url=through(database_url, database_line), head_interval=NEVER)
    session_id = await api.start()
    await api.send(session_id, [event(0), event(1)])
    counting = Counting(LOOK_UP)
    database_line.change(counting)
    async with api.watch(session_id) as first:
        assert await first.take(2) == [event(0), event(1)]
        looks = counting.count
        for start in ["start", "keyframe", {"sequence": 1}, {"batch": 0}] * (VIEWERS // 4):
            async with api.watch(session_id, start=start) as viewer:
                assert (await viewer.next())["type"] == 3
    assert looks == 2  # to open it, and to begin
    assert counting.count == looks


async def test_who_resumes_after_the_same_batch_shares_a_search(
    make_api: ApiFactory, database_url: str, database_line: FaultProxy
) -> None:
    api = await make_api(database_url=through(database_url, database_line), head_interval=NEVER)
    session_id = await api.start()
    for number in range(3):
        await api.send(session_id, [event(number)])
    counting = Counting(b"FROM session_events")
    database_line.change(counting)
    async with api.watch(session_id, start="now"):
        for _ in range(VIEWERS):
            async with api.watch(session_id, start={"batch": 1}) as viewer:
                assert await viewer.take(2) == [event(1), event(2)]
    assert counting.count == 2  # where the batch ends, and the page after it


async def test_a_keyframe_that_was_shown_is_where_the_next_viewer_begins(
    make_api: ApiFactory,
) -> None:
    api = await make_api(head_interval=NEVER)
    session_id = await api.start()
    await api.send(session_id, [event(0, 4), event(1, 2), event(2)])
    async with api.watch(session_id) as first:
        assert await first.take(3) == [event(0, 4), event(1, 2), event(2)]
        await api.send(session_id, [event(3, 4), event(4, 2)])
        assert await first.take(2) == [event(3, 4), event(4, 2)]
        async with api.watch(session_id) as second:
            assert await second.next() == event(3, 4)


async def test_who_has_seen_more_than_this_process_knows_resumes_after_it(
    make_api: ApiFactory, redis_url: str, redis_line: FaultProxy
) -> None:
    other = await make_api()
    api = await make_api(redis_url=through(redis_url, redis_line), head_interval=NEVER)
    session_id = await other.start()
    await other.send(session_id, [event(0)])
    async with api.watch(session_id) as first:
        assert await first.next() == event(0)
        await silence_redis(api, redis_line)
        await other.send(session_id, [event(1)])
        await other.send(session_id, [event(2)])
        for start in ({"batch": 2}, {"sequence": 2}):
            async with api.watch(session_id, start=start, protocol=2) as viewer:
                assert (await viewer.next())["sequence"] == 2


async def test_a_look_is_not_shown_to_a_key_of_another_app(
    make_api: ApiFactory, api_keys: ApiKeys
) -> None:
    await api_keys.create("blog", "sv_read_blog", ["read"], app_id="blog")
    api = await make_api(head_interval=NEVER)
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with api.watch(session_id) as first, api.watch(session_id, key="sv_read_blog") as other:
        assert await first.next() == event(0)
        assert await other.next() is None
        assert other.close_code == 4404


async def test_a_deleted_session_is_shown_to_nobody_who_comes_then(make_api: ApiFactory) -> None:
    other, api = await make_api(), await make_api(head_interval=NEVER)
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    async with api.watch(session_id) as first:
        assert await first.next() == event(0)
        path = f"/api/sessions/{session_id}"
        assert (await other.request("DELETE", path, key="admin")).status == 200
        assert await first.next() is None
        assert first.close_code == 4404
    async with api.watch(session_id) as second:
        assert await second.next() is None
        assert second.close_code == 4404


async def test_a_session_that_goes_on_has_not_ended_for_who_comes_then(
    make_api: ApiFactory, redis_url: str, redis_line: FaultProxy, store: Store, cache: Cache
) -> None:
    other = await make_api()
    api = await make_api(redis_url=through(redis_url, redis_line), head_interval=NEVER)
    session_id = await other.start()
    await other.send(session_id, [event(0)])
    assert api.client.port is not None
    async with StalledViewer(api.client.port, api.keys["read"], session_id) as behind:
        assert b'{"number":0' in await behind.begin()
        for _ in range(40):
            await other.send(session_id, [event(1) | {"padding": "x" * 300_000}])
        assert await end_idle_sessions(store, cache, 0) == 1
        async with stream(api, session_id, "?from=now") as source:
            assert await source.skip_to("ended")
        await silence_redis(api, redis_line)
        assert (await other.post_events(session_id, {}, path="heartbeat")).status == 200
        headers = {"Last-Event-ID": "40"}
        async with stream(api, session_id, headers=headers) as source:
            assert (await source.next() or {}).get("event") == "subscribed"
            assert (await source.next() or {}).get("event") == "synced"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await source.next()


@dataclass(slots=True)
class Clock:
    """A clock that stands still."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass(frozen=True, slots=True)
class Looking:
    """A watched session, and who looks at it."""

    looks: Looks
    watched: WatchedSession
    counting: Counting
    clock: Clock

    async def head(self) -> Head:
        """Return where the session stands."""
        session = await self.looks.fresh(self.watched.session_id)
        assert session is not None
        return Head(session.batch_count, session.next_sequence, session.ended)


@pytest.fixture
async def looking(
    api: ApiClient, cache: Cache, database_url: str, database_line: FaultProxy
) -> AsyncIterator[Looking]:
    """A session of one batch that is watched; a look at it serves for 10 s."""
    session_id = await api.start()
    await api.send(session_id, [event(0)])
    url, clock = through(database_url, database_line), Clock()
    async with Database(url, connections=1, timeout=10) as database:
        store = Store(database)
        looks = Looks(store, 10.0, clock)
        session = await looks.fresh(session_id)
        assert session is not None
        head, limits = Head(1, 1, False), LiveLimits(100_000, 100_000)
        batches = BatchReader(database, SegmentData(database))
        watched = WatchedSession(
            session_id,
            session.day,
            head,
            store,
            batches,
            cache,
            Pages(batches),
            limits,
            LiveMeasures(),
        )
        counting = Counting(LOOK_UP)
        database_line.change(counting)
        yield Looking(looks, watched, counting, clock)
        await watched.close()


async def test_a_look_serves_for_its_time(looking: Looking) -> None:
    for moment, looks in ((0.0, 1), (9.9, 1), (10.0, 2), (19.9, 2)):
        looking.clock.now = moment
        assert await looking.looks.recent(looking.watched)
        assert looking.counting.count == looks


async def test_a_look_serves_longer_when_the_head_poll_sees_the_same(looking: Looking) -> None:
    head = await looking.head()
    await looking.looks.recent(looking.watched)
    looking.looks.confirm(looking.watched, head, 8.0, ends_heard=0)
    looking.clock.now = 17.9
    await looking.looks.recent(looking.watched)
    assert looking.counting.count == 2  # the head, and the look


async def test_an_end_that_a_later_batch_took_back_ends_nothing(looking: Looking) -> None:
    watched = looking.watched
    watched.receive(BatchStored(2, 1, 1, "identity", b"[{}]"))
    watched.learn(Head(1, 1, True), ends_heard=0)  # asked before that batch was stored
    assert not watched.ended


@pytest.mark.parametrize(
    ("head", "ends_heard"),
    [(Head(2, 2, False), 0), (Head(1, 1, True), 0), (Head(1, 1, False), 1)],
    ids=["another batch", "the end", "an end was heard meanwhile"],
)
async def test_a_look_does_not_serve_longer_when_the_head_poll_sees_something_else(
    looking: Looking, head: Head, ends_heard: int
) -> None:
    await looking.looks.recent(looking.watched)
    looking.looks.confirm(looking.watched, head, 8.0, ends_heard)
    looking.clock.now = 10.0
    await looking.looks.recent(looking.watched)
    assert looking.counting.count == 2
