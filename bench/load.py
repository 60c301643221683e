"""The load of an ingest run: sessions that take turns on a few connections."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from bench.connection import Connection, ShortAnswer, connect
from bench.errors import BenchError, RateLimited
from bench.players import Pace, Player, Players
from bench.progress import progress
from bench.recordings import Recording
from bench.tally import NO_ANSWER, Tally
from bench.target import Target


class Load:
    """Starts sessions, posts their batches until it is told to stop, and ends them."""

    def __init__(
        self, target: Target, recordings: Sequence[Recording], *, sessions: int, connections: int
    ) -> None:
        self.tally = Tally()
        self.limited = False
        self._target = target
        self._key = target.keys.ingest
        self._sessions = sessions
        self._connections = min(connections, sessions)
        self._players = Players(recordings)
        self._ready: deque[Player] = deque()
        self._finished: deque[Player] = deque()
        self._stopped = False

    async def start_sessions(self) -> None:
        """Start the sessions that take turns. Raises BenchError."""
        waiting = deque(self._players.under_way(self._sessions))

        async def start(connection: Connection) -> None:
            while waiting:
                player = waiting.popleft()
                answer = await self._start(connection, player)
                if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise RateLimited
                if answer.status != HTTPStatus.OK:
                    raise BenchError(f"No session can be started: {_text_of(answer)}")
                self._ready.append(player)
                bar.update()

        with progress("starting sessions", self._sessions, "sessions") as bar:
            await self._on_each_connection(start)

    async def post(self, pace: Pace) -> None:
        """Post batches, one at a time on each connection, until the load is stopped."""

        async def work(connection: Connection) -> None:
            while not self._stopped:
                player = self._ready.popleft()
                if connection.closed:
                    connection = await connect(self._target)
                await self._play(connection, player, pace)
            connection.close()

        await self._on_each_connection(work)

    def stop(self) -> None:
        """Let the connections finish what they are at."""
        self._stopped = True

    async def end_sessions(self) -> None:
        """End all sessions, as their pages would."""
        waiting = self._finished + self._ready

        async def end(connection: Connection) -> None:
            while waiting and not connection.closed:
                session_id = waiting.popleft().session_id
                await self._post(connection, f"{session_id}/end", b"{}")
                bar.update()

        with progress("ending sessions", len(waiting), "sessions") as bar:
            await self._on_each_connection(end)

    async def _on_each_connection(self, act: Callable[[Connection], Awaitable[None]]) -> None:
        connections = [await connect(self._target) for _ in range(self._connections)]
        try:
            await asyncio.gather(*map(act, connections))
        finally:
            for connection in connections:
                connection.close()

    async def _play(self, connection: Connection, player: Player, pace: Pace) -> None:
        """Post a session's next batch; after its last, the next session takes its place."""
        batch = player.next_batch()
        body = self._target.events_body(player.session_id, batch)
        due = await pace.wait(batch.event_count)
        answer = await self._post(connection, f"{player.session_id}/events", body)
        self._note(answer)
        self.tally.add(batch, answer, time.perf_counter() - due)
        if player.finished:
            self._finished.append(player)
            player = self._players.new()
            self.tally.started += 1
            self._note(await self._start(connection, player))
        self._ready.append(player)

    def _note(self, answer: ShortAnswer) -> None:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.limited = True
            self.stop()

    async def _start(self, connection: Connection, player: Player) -> ShortAnswer:
        body = self._target.start_body(player.session_id, round(time.time() * 1000))
        return await self._post(connection, "start", body)

    async def _post(self, connection: Connection, path: str, body: bytes) -> ShortAnswer:
        request = self._target.request("POST", f"/api/sessions/{path}", self._key, body)
        try:
            return await connection.request(request)
        except ConnectionError:
            return ShortAnswer(NO_ANSWER, b"")


def _text_of(answer: ShortAnswer) -> str:
    return f"{answer.status} {answer.body[:200].decode(errors='replace')}"
