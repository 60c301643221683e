"""The connections to PostgreSQL: one that hangs holds up only the statement that uses it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiopg
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, make_dsn, parse_dsn

_CONNECT_SECONDS = 3.0
_LIVENESS = {
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""How the kernel finds out that the server's machine is gone; the address may say otherwise."""


@contextmanager
def keeping_cancellation() -> Iterator[None]:
    """Let no cancellation of the task be lost in the context.

    The wait_for in aiopg loses one that comes as the statement or the connect ends (up to Python
    3.11).
    """
    task = asyncio.current_task()
    assert task is not None, "coroutines run in tasks"
    cancellations = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > cancellations:
            raise asyncio.CancelledError


class Pool:
    """Lends at most `size` connections, each to one borrower at a time.

    aiopg's own pool opens connections while it holds the lock that every borrower needs, so that
    one connect that hangs stops all. And it drops connections that broke without closing them: the
    event loop then goes on watching a file number that the next connection gets, which is never
    seen to answer.
    """

    def __init__(self, url: str, *, size: int, timeout: float) -> None:
        self._dsn = make_dsn(**(_LIVENESS | parse_dsn(url)))
        self._timeout = timeout
        self._slots = asyncio.Semaphore(size)
        self.size = size
        self.borrowers = 0
        self._idle: list[aiopg.Connection] = []
        self._lent: set[aiopg.Connection] = set()
        self._closed = False

    @property
    def lent(self) -> int:
        """Return how many connections are in use; the other borrowers wait."""
        return len(self._lent)

    async def open(self) -> None:
        """Open all connections; raises what psycopg2 does, and TimeoutError."""
        try:
            while len(self._idle) < self.size:
                self._idle.append(await self._connect())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections, also those that are lent."""
        self._closed = True
        self.forget_idle()
        for connection in self._lent:
            connection.close()

    def forget_idle(self) -> None:
        """Close the connections that nobody uses: the next statements open fresh ones.

        To be called when a statement timed out. The network may have forgotten all connections,
        and each would cost another timeout.
        """
        while self._idle:
            self._idle.pop().close()

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[aiopg.Connection]:
        """Lend a connection; it comes back only if it is fit for the next statement."""
        self.borrowers += 1
        try:
            async with self._slots:
                connection = self._take_idle() or await self._connect()
                self._lent.add(connection)
                try:
                    yield connection
                finally:
                    self._lent.discard(connection)
                    self._take_back(connection)
        finally:
            self.borrowers -= 1

    def _take_idle(self) -> aiopg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
            connection.close()  # the server ended it
        return None

    def _take_back(self, connection: aiopg.Connection) -> None:
        usable = not (self._closed or connection.closed)
        if usable and connection.raw.get_transaction_status() == TRANSACTION_STATUS_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    async def _connect(self) -> aiopg.Connection:
        connection: aiopg.Connection | None = None
        try:
            with keeping_cancellation():
                async with asyncio.timeout(_CONNECT_SECONDS):
                    connection = await aiopg.connect(
                        self._dsn, timeout=self._timeout, enable_json=False, enable_hstore=False
                    )
                return connection
        except asyncio.CancelledError:
            if connection is not None:
                connection.close()
            raise
