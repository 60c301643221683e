"""Where a stored session is read: on the standby if there is one and it has all of it."""

from collections.abc import Callable
from dataclasses import dataclass

from spectraview.replay.reader import ReplayReader
from spectraview.storage.database import Reads
from spectraview.storage.models import Session
from spectraview.storage.replica import Replica
from spectraview.storage.spans import SpanStore


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads stored sessions, all from one place."""

    replays: ReplayReader
    spans: SpanStore


class SessionReaders:
    """Chooses the readers for each session: whoever has just written it reads what was written."""

    def __init__(
        self, make: Callable[[Reads], Readers], primary: Reads, replica: Replica | None
    ) -> None:
        self.primary = make(primary)
        self._replica = replica
        self._standby = make(replica) if replica is not None else self.primary

    async def of(self, session: Session) -> Readers:
        """Return what reads a session as it is, or as it has become since."""
        if self._replica is None:
            return self.primary
        has = await self._replica.has(session.session_id, session.batch_count)
        return self._standby if has else self.primary

    async def close(self) -> None:
        """End what is being read."""
        for readers in {id(r): r for r in (self.primary, self._standby)}.values():
            await readers.replays.close()
