"""Which request, and which session, a log record is about."""

import logging
import re
import secrets
from contextvars import ContextVar
from uuid import UUID

from pythonjsonlogger.json import JsonFormatter

REQUEST_ID: ContextVar[str | None] = ContextVar("REQUEST_ID", default=None)
SESSION_ID: ContextVar[UUID | None] = ContextVar("SESSION_ID", default=None)

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_FIELDS = "%(levelname)s %(name)s %(message)s"
_NAMES = {"levelname": "level", "name": "logger", "exc_info": "exception"}


def request_id_of(sent: str | None) -> str:
    """Return the id that a client or a proxy gave a request, if it is sane, else a new one."""
    return sent if sent is not None and _SANE_ID.fullmatch(sent) else new_request_id()


def new_request_id() -> str:
    """Return an id that no other request has."""
    return secrets.token_hex(8)


class AddContext(logging.Filter):
    """Adds the ids of the request and the session to each record that has them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        request_id, session_id = REQUEST_ID.get(), SESSION_ID.get()
        if request_id is not None:
            record.requestId = request_id
        if session_id is not None:
            record.sessionId = str(session_id)
        return True


def json_formatter() -> logging.Formatter:
    """Return what writes each record as one JSON object on a line of its own."""
    # The standard library's JSON: what clients send may hold halves of characters.
    return JsonFormatter(_FIELDS, rename_fields=_NAMES, timestamp="time")
