"""How sessions and receipts look to a client."""

from datetime import UTC, datetime

from spectraview.api.responses import dumps
from spectraview.ingest.clock import client_time
from spectraview.ingest.recorder import Receipt
from spectraview.storage.models import ListedSession, Session
from spectraview.storage.store import SECONDS_BELOW


def session_json(session: Session, viewers: int | None) -> bytes:
    """Return the JSON of one session; its metadata are spliced in exactly as they came."""
    members = dumps(
        {
            "sessionId": str(session.session_id),
            "userId": session.user_id,
            "appId": session.app_id,
            "ticketId": session.ticket_id,
            "startTime": _start_time(session),
            "endTime": _end_time(session),
            "duration": _duration(session),
            "stats": {
                "totalEvents": session.event_count,
                "customEvents": session.custom_event_count,
                "errors": session.error_count,
                "clicks": session.click_count,
                "rageClicks": session.rage_click_count,
                "deadClicks": session.dead_click_count,
            },
            "live": not session.ended,
            "viewers": viewers,
            "expiresAt": session.expires_at.astimezone(UTC).isoformat(),
        }
    )
    return f'{members[:-1]},"metadata":{session.metadata}}}'.encode()


def listed_session_json(entry: ListedSession) -> dict[str, object]:
    """Return a session as an entry of a list."""
    session = entry.session
    return {
        "sessionId": str(session.session_id),
        "userId": session.user_id,
        "appId": session.app_id,
        "ticketId": session.ticket_id,
        "startTime": _start_time(session),
        "endTime": _end_time(session),
        "duration": _duration(session),
        "errorCount": session.error_count,
        "eventCount": session.event_count,
        "clickCount": session.click_count,
        "rageClickCount": session.rage_click_count,
        "deadClickCount": session.dead_click_count,
        "url": entry.page_url,
        "live": not session.ended,
    }


def receipt_json(receipt: Receipt) -> dict[str, object]:
    """Return what a batch is answered with: the contract's fields, and what the SDK needs to
    know.
    """
    answer: dict[str, object] = {
        "success": True,
        "received": {
            "events": receipt.events,
            "customEvents": receipt.custom_events,
            "errors": receipt.errors,
        },
        "firstSequence": receipt.first_sequence,
        "viewers": receipt.viewers,
        "needFullSnapshot": receipt.need_full_snapshot,
    }
    if receipt.duplicate:
        answer["duplicate"] = True
    return answer


def _start_time(session: Session) -> int:
    return client_time(session.started_at, milliseconds=session.milliseconds)


def _end_time(session: Session) -> int | None:
    if session.ended_at is None:
        return None
    return client_time(session.ended_at, milliseconds=session.milliseconds)


def _duration(session: Session) -> int:
    """Return the seconds from the start to the end, or to the last event so far."""
    if session.duration_seconds is not None:
        return session.duration_seconds
    if session.last_timestamp is None:
        return 0
    last = session.last_timestamp / (1 if session.last_timestamp < SECONDS_BELOW else 1000)
    epoch = datetime.fromtimestamp(0, UTC)
    return max(0, round(last - (session.started_at - epoch).total_seconds()))
