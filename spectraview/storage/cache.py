"""The contract's Redis keys: all of it can be lost at any moment and costs only time."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from spectraview.observability.measures import Histogram
from spectraview.observability.tracing import span_until_done
from spectraview.storage.messages import (
    BatchStored,
    InvalidMessage,
    SessionDeleted,
    SessionEnded,
    batch_message,
    decode_message,
    encode_message,
)
from spectraview.storage.models import StoredBatch
from spectraview.storage.redis import CacheUnavailable, Command, script_command
from spectraview.storage.redis_cluster import Redis
from spectraview.storage.scripts import ANNOUNCE, USE

SESSION_SECONDS = 3600
BUFFER_SECONDS = 300
BUFFERED_BATCHES = 8
"""With at most 64 KiB in each, a session's buffer holds at most 512 KiB."""
_BUFFER_TIMEOUT = 0.1
RATE_SECONDS = 60
PRESENCE_SECONDS = 60
SNAPSHOT_REQUEST_SECONDS = 60
VIEWERS_CHANGED = b"viewers"
SNAPSHOT_WANTED = b"snapshot"


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a key was used in this minute, and what the session's watchers want, as far as
    Redis knows.
    """

    requests: int
    viewers: int = 0
    snapshot_wanted: bool = False


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """The fields of a session that Redis keeps; its times count milliseconds or seconds."""

    session_id: UUID
    app_id: str
    user_id: str | None
    start_time: int
    milliseconds: bool
    event_count: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """A batch that was just committed, with its session after it."""

    session: ActiveSession
    batch: StoredBatch
    has_snapshot: bool


def channel_of(session_id: UUID) -> str:
    """Return the pub/sub channel of a session; the braces keep its keys together in a cluster."""
    return f"live:{{{session_id}}}"


def watch_channel_of(session_id: UUID) -> str:
    """Return the channel on which processes tell who watches a session."""
    return f"watch:{{{session_id}}}"


class Cache:
    """Reads and writes the cache; methods that return nothing never fail."""

    def __init__(self, pipeline: Redis, now: Callable[[], float] = time.time) -> None:
        self._pipeline = pipeline
        self._now = now
        self.published = Histogram()
        """From a commit to Redis's word that all of its batches are published."""

    @property
    def pipeline(self) -> Redis:
        """Return the connection."""
        return self._pipeline

    @property
    def available(self) -> bool:
        """Tell whether Redis answered last."""
        return self._pipeline.available

    async def ping(self) -> bool:
        """Tell whether Redis answers now."""
        try:
            await self._pipeline.run(("PING",))
        except CacheUnavailable:
            return False
        return True

    async def use(self, name: str, place: str, session_id: UUID | None) -> Usage:
        """Count a request under `name` at a place (a session or a client's address), and look who
        watches the session.

        Raises CacheUnavailable.
        """
        keys = [_rate_key(name, place)]
        if session_id is not None:
            keys += [_viewers_key(session_id), _snapshot_key(session_id)]
        (answer,) = await self._pipeline.run(script_command(USE, keys, RATE_SECONDS))
        if not isinstance(answer, list):  # an error, such as OOM
            raise CacheUnavailable(str(answer))
        requests, viewers, snapshot_wanted = answer
        return Usage(requests, self._count(viewers), bool(snapshot_wanted))

    async def seconds_left(self, name: str, place: str) -> int:
        """Return the seconds until a rate's window ends, at least 1."""
        try:
            (left,) = await self._pipeline.run(("TTL", _rate_key(name, place)))
        except CacheUnavailable:
            return RATE_SECONDS
        return left if isinstance(left, int) and left > 0 else 1

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Publish committed batches and keep them in the session hashes and buffers."""
        if not announcements:
            return
        for announced in announcements:
            answer = self._pipeline.send(self._announcement(announced))
        # Answers come in order: the last is here when all are.
        answer.add_done_callback(partial(self._note_published, time.monotonic()))
        answer.add_done_callback(span_until_done("publish", batches=len(announcements)))

    def _note_published(self, began: float, answer: "asyncio.Future[list[Any]]") -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.published.observe(time.monotonic() - began)

    def note_session(self, session: ActiveSession) -> None:
        """Keep a session's fields for an hour from now."""
        key = f"session:{{{session.session_id}}}"
        self._pipeline.send(
            (
                *("HSET", key, "appId", session.app_id, "userId", session.user_id or ""),
                *("startTime", session.start_time, "lastActivity", self._time_for(session)),
                *("eventCount", session.event_count),
            ),
            ("EXPIRE", key, SESSION_SECONDS),
        )

    def announce_end(self, session_id: UUID, batch_count: int) -> None:
        """Publish that a session has ended."""
        data = encode_message(SessionEnded(batch_count))
        self._pipeline.send((self._pipeline.publish, channel_of(session_id), data))

    def forget(self, session_ids: Collection[UUID]) -> None:
        """Drop all that is kept of sessions, and tell those who watch that they were deleted."""
        told = encode_message(SessionDeleted())
        for session_id in session_ids:
            tag = f"{{{session_id}}}"
            kept = (f"session:{tag}", f"replay:{tag}", _buffer_key(session_id))
            self._pipeline.send(
                ("DEL", *kept, _snapshot_key(session_id)),
                (self._pipeline.publish, channel_of(session_id), told),
            )

    async def buffered_batches(self, session_id: UUID) -> list[StoredBatch]:
        """Return the batches of the last minutes that the buffer still holds, in no certain order;
        none if Redis takes longer than it is worth: PostgreSQL has them too.
        """
        answer = self._pipeline.send(("LRANGE", _buffer_key(session_id), 0, -1))
        await asyncio.wait({answer}, timeout=_BUFFER_TIMEOUT)
        if not answer.done():
            return []
        try:
            (items,) = answer.result()
        except CacheUnavailable:
            return []
        return [batch for item in _list(items) if (batch := _buffered_batch(item)) is not None]

    def note_viewers(self, session_id: UUID, process: str, viewers: int) -> None:
        """Tell the other processes how many viewers of a session this one has."""
        key = _viewers_key(session_id)
        told: Command = (self._pipeline.publish, watch_channel_of(session_id), VIEWERS_CHANGED)
        if viewers:
            value = f"{viewers}:{int(self._now())}"
            self._pipeline.send(
                ("HSET", key, process, value), ("EXPIRE", key, PRESENCE_SECONDS), told
            )
        else:
            self._pipeline.send(("HDEL", key, process), told)

    async def count_viewers(self, session_id: UUID) -> int | None:
        """Return how many watch a session on all processes, None when Redis does not say."""
        try:
            (values,) = await self._pipeline.run(("HVALS", _viewers_key(session_id)))
        except CacheUnavailable:
            return None
        return self._count(values)

    def want_snapshot(self, session_id: UUID) -> None:
        """Ask the session's SDK for a full snapshot: at once if it listens, else in its receipt."""
        self._pipeline.send(
            ("SET", _snapshot_key(session_id), "1", "EX", SNAPSHOT_REQUEST_SECONDS),
            (self._pipeline.publish, watch_channel_of(session_id), SNAPSHOT_WANTED),
        )

    def _announcement(self, announced: Announcement) -> Command:
        message = batch_message(announced.batch)
        session = announced.session
        tag = f"{{{session.session_id}}}"
        return script_command(
            ANNOUNCE,
            (f"session:{tag}", f"events:{tag}:buffer", f"snapshot:{tag}"),
            f"live:{tag}",
            encode_message(message),
            int(message.event_data is not None),
            int(announced.has_snapshot),
            session.app_id,
            session.user_id or "",
            session.start_time,
            self._time_for(session),
            session.event_count,
            SESSION_SECONDS,
            BUFFER_SECONDS,
            BUFFERED_BATCHES,
            self._pipeline.publish,
        )

    def _time_for(self, session: ActiveSession) -> int:
        """Return the time now in the unit of a session's clock."""
        return int(self._now() * (1000 if session.milliseconds else 1))

    def _count(self, values: Any) -> int:
        """Add up what processes noted, leaving out those that have stopped noting."""
        oldest = self._now() - PRESENCE_SECONDS
        noted = [value.decode().split(":") for value in _list(values)]
        return sum(int(count) for count, at in noted if int(at) >= oldest)


def _buffered_batch(item: bytes) -> StoredBatch | None:
    try:
        message = decode_message(item)
    except InvalidMessage:
        return None
    return message.batch() if isinstance(message, BatchStored) else None


def _list(answer: Any) -> list[bytes]:
    return answer if isinstance(answer, list) else []


def _rate_key(name: str, place: str) -> str:
    # Tagged by the place, so that a session's counter lies in the session's slot of a cluster.
    return f"rate:apikey:{name}:{{{place}}}"


def _buffer_key(session_id: UUID) -> str:
    return f"events:{{{session_id}}}:buffer"


def _viewers_key(session_id: UUID) -> str:
    return f"viewers:{{{session_id}}}"


def _snapshot_key(session_id: UUID) -> str:
    return f"snapshot:{{{session_id}}}"
