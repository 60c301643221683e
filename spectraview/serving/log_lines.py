"""Lines of a log that nobody can forge: what a client has sent may break no line, and drive no
terminal.
"""

import logging
import re
from types import TracebackType

# C0 and C1 controls, what else ends a line, and what turns the direction of writing.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def one_line(text: str) -> str:
    """Return a text with an escape in place of each character that a log must not hold."""
    return _UNSAFE.sub(_escape, text)


class LineFormatter(logging.Formatter):
    """One line a record; a traceback is indented, so that none of its lines looks like one."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a record's line."""
        record.message = one_line(record.message)
        request_id = getattr(record, "requestId", None)
        return super().formatMessage(record) + (f" [{request_id}]" if request_id else "")

    def formatException(self, ei: _Error) -> str:
        """Return a traceback."""
        return "\n".join(f"  {one_line(line)}" for line in super().formatException(ei).split("\n"))


def _escape(found: re.Match[str]) -> str:
    return (
        found[0].encode("ascii", "backslashreplace").decode()
        if found[0] > "\x7f"
        else (f"\\x{ord(found[0]):02x}")
    )
