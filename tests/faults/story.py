"""Tells all that is known of a session, for who looks for the cause of a broken promise."""

from collections.abc import Iterator

from tests.faults.history import SentBatch, SessionHistory, Stream
from tests.faults.stored import StoredSession


def tell(session: SessionHistory, stored: StoredSession) -> str:
    """Return the batches in the order in which they are stored, and what each viewer was told."""
    batches = {batch.name: batch for batch in session.batches}
    lines = [f"session {session.session_id}: {dict(stored.counters)}"]
    for row in stored.rows:
        name = (*row.events, *row.others)[0][1]
        counts = f"{row.event_count} events, {len(row.others)} others"
        place = f"batch {row.batch_number} at {row.sequence}: {counts}"
        lines.append(f"{place}, {_sent(session, batches[name])}")
    for number, stream in enumerate(session.streams):
        lines += ["", *_seen(number, stream)]
    return "\n".join(lines) + "\n"


def _sent(session: SessionHistory, batch: SentBatch) -> str:
    before = "before the end" if batch.name in session.before_end else "not before the end"
    times = f"sent {batch.sent_at:.3f}, acknowledged {batch.acknowledged_at:.3f}"
    return f"sent as {batch.name}, {batch.outcome} after {batch.attempts}, {times}, {before}"


def _seen(number: int, stream: Stream) -> Iterator[str]:
    yield f"viewer {number} {stream.viewer} from {stream.wanted}, ended: {stream.ended}"
    yield from stream.told
    for batch, moment in stream.arrived.items():
        yield f"{moment:.3f} {batch} arrived"
