"""Follows protocol 2 streams cheaply: of each message only the beginning is looked at.

A message says which events it has: that tells whether each comes once and in order.
"""

import re

from bench.frames import CLOSE, PING, PONG, client_frame

_SEQUENCE = re.compile(rb'"sequence": ?(?:\[(\d+), ?(-?\d+)\]|(\d+))')
_BEGINNING = 200
_CONTROL = 0x8
_FINAL = 0x80
_LARGEST_HEADER = 10


class MessageReader:
    """Follows one viewer's stream."""

    def __init__(self) -> None:
        self.subscribed = False
        self.synced = False
        self.closed = False
        self.events = 0
        self.misplaced = 0
        self.replies: list[bytes] = []
        self._next = 0
        self._rest = b""
        self._beginning = b""
        self._missing = 0
        self._final = False

    def take(self, data: bytes) -> None:
        """Take what came from the server."""
        data, place = self._rest + data, 0
        self._rest = b""
        while place < len(data):
            if self._missing:
                place = self._take_payload(data, place)
                continue
            begun = self._take_header(data, place)
            if begun is None:
                self._rest = data[place:]
                return
            place = begun

    def _take_payload(self, data: bytes, place: int) -> int:
        length = min(self._missing, len(data) - place)
        if len(self._beginning) < _BEGINNING:
            wanted = min(length, _BEGINNING - len(self._beginning))
            self._beginning += data[place : place + wanted]
        self._missing -= length
        if not self._missing and self._final:
            self._take_message(self._beginning)
            self._beginning = b""
        return place + length

    def _take_header(self, data: bytes, place: int) -> int | None:
        """Return the place after a header or a control frame; None when it is not complete."""
        header = data[place : place + _LARGEST_HEADER]
        if len(header) < 2:
            return None
        length, size = header[1] & 0x7F, 2
        if length >= 126:
            size = 4 if length == 126 else 10
            if len(header) < size:
                return None
            length = int.from_bytes(header[2:size])
        payload_at = place + size
        if header[0] & _CONTROL:
            if len(data) < payload_at + length:
                return None
            self._take_control(header[0] & 0x0F, data[payload_at : payload_at + length])
            return payload_at + length
        self._final, self._missing = bool(header[0] & _FINAL), length
        return payload_at

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.replies.append(client_frame(payload, PONG))
        elif opcode == CLOSE:
            self.closed = True

    def _take_message(self, beginning: bytes) -> None:
        if b'"type":"viewers"' in beginning:
            return
        found = _SEQUENCE.search(beginning)
        if found is None:
            return
        if found[1]:
            self._take_events(int(found[1]), int(found[2]))
        elif b'"type":"subscribed"' in beginning:
            self.subscribed, self._next = True, int(found[3])
        elif b'"type":"synced"' in beginning:
            self.synced = True
            self.misplaced += self._next != int(found[3])

    def _take_events(self, first: int, last: int) -> None:
        self.misplaced += first != self._next
        self.events += last + 1 - first
        self._next = last + 1
