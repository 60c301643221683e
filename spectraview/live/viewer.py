"""One live connection: a cursor into the session, not a queue of what it has yet to get."""

import asyncio

from spectraview.live.connection import Connection
from spectraview.live.cursor import Cursor
from spectraview.live.frames import BatchFrames, Form
from spectraview.live.protocol import Subscription
from spectraview.storage.models import Position


class ViewerClosed(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Viewer(Cursor):
    """Where one connection stands in a session, and how it wants to see it."""

    def __init__(
        self,
        connection: Connection,
        subscription: Subscription,
        position: Position,
        sequence: int,
        key_id: int,
    ) -> None:
        super().__init__(position, sequence)
        self.connection = connection
        self.key_id = key_id
        self.bytes_behind = 0
        self._form = subscription.form
        self._wake = asyncio.Event()
        self._ending: ViewerClosed | None = None

    @property
    def can_be_told(self) -> bool:
        """Tell whether the viewer takes messages besides events; a plain one takes none."""
        return self._form != "plain"

    @property
    def form(self) -> Form:
        """Return in which form the viewer gets batches."""
        return self._form

    async def show(self, frames: BatchFrames) -> None:
        """Send a batch, without the events before the viewer's sequence. Raises Stalled."""
        await self.connection.send(await frames.chunks(self._form, self.sequence))
        self.move(frames.batch)

    def show_at_once(self, frames: BatchFrames) -> bool:
        """Send a batch without waiting, if it is one chunk and there is room for it."""
        chunks = frames.built(self._form, self.sequence)
        if chunks is None or len(chunks) > 1 or self.connection.busy or self.connection.gone:
            return False
        self.connection.write(chunks[0])
        self.move(frames.batch)
        return True

    def tell(self, message: dict[str, object]) -> None:
        """Send a message that is no event, if the viewer takes any."""
        if self.can_be_told:
            self.connection.tell(message)

    def wake(self) -> None:
        """Make the viewer's task look again where it stands."""
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Make the viewer's task close the connection."""
        if self._ending is None:
            self._ending = ViewerClosed(code, reason)
        self._wake.set()

    async def woken(self) -> None:
        """Wait to be woken. Raises ViewerClosed when it is time to close."""
        await self._wake.wait()
        self._wake.clear()
        self.check()

    def check(self) -> None:
        """Raise ViewerClosed when it is time to close."""
        if self._ending is not None:
            raise self._ending
