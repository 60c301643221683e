"""Serves a stored session for replay."""

import logging
from collections.abc import Sequence

from aiohttp import web

from spectraview.api.codings import accepted_encodings
from spectraview.api.parameters import Whole
from spectraview.api.requests import app_id_of, session_id_of
from spectraview.errors import InvalidParameter, SessionNotFound
from spectraview.keys import READERS, STORE
from spectraview.replay.encodings import Encoding
from spectraview.replay.ranges import ReplayRange
from spectraview.replay.reader import Replay
from spectraview.replay.sources import IncompleteReplay
from spectraview.storage.codec import CorruptData
from spectraview.storage.database import DatabaseUnavailable
from spectraview.storage.models import Session

logger = logging.getLogger(__name__)

_BIGINT = 2**63 - 1
_INTEGER = 2**31 - 1
_SEALED_SECONDS = 300
"""A sealed session changes only by batches that come late; this is how long they may be missed."""
_WRITE_BYTES = 262_144
_OF_THE_BODY = ("Content-Type", "Content-Encoding")

_FROM = Whole("from", "From the newest keyframe at or before this timestamp on.", -_BIGINT, _BIGINT)
_TO = Whole("to", "To the last event at or before this timestamp.", -_BIGINT, _BIGINT)
_AFTER_SEQUENCE = Whole("afterSequence", "After this sequence.", -1, _INTEGER - 1)
_TO_SEQUENCE = Whole("toSequence", "To this sequence, with it.", 0, _INTEGER - 1)
REPLAY_PARAMETERS = (_FROM, _TO, _AFTER_SEQUENCE, _TO_SEQUENCE)


async def get_replay(request: web.Request) -> web.StreamResponse:
    """Answer the events of a session or of a part of it, streamed."""
    session_id = session_id_of(request)
    wanted = _range_of(request)
    session = await request.app[STORE].fetch_session(session_id, app_id_of(request))
    if session is None:
        raise SessionNotFound
    replays = (await request.app[READERS].of(session)).replays
    choice = await replays.choose(session, accepted_encodings(request))
    headers = _headers(session, wanted, choice.encoding)
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        kept = {name: value for name, value in headers.items() if name not in _OF_THE_BODY}
        return web.Response(status=304, headers=kept)
    try:
        replay = await replays.open(session, wanted, choice)
        # Whatever fails from here on can only cut the connection: the archive, for example.
        beginning = b"" if request.method == "HEAD" else await anext(replay.body, b"")
    except IncompleteReplay as error:
        raise SessionNotFound from error
    return await _send(request, session, replay, beginning, headers)


def _range_of(request: web.Request) -> ReplayRange:
    start = _FROM.of(request)
    end = _TO.of(request)
    after = _AFTER_SEQUENCE.of(request)
    last = _TO_SEQUENCE.of(request)
    if start is not None and end is not None and end < start:
        raise InvalidParameter("to must not be before from", where="to")
    if after is not None and last is not None and last < after:
        raise InvalidParameter("toSequence must not be below afterSequence", where="toSequence")
    return ReplayRange(start, end, after, last)


def _headers(session: Session, wanted: ReplayRange, encoding: Encoding) -> dict[str, str]:
    """Return the headers of every answer; the tag names what is asked for, its coding, and as the
    version the session's batch count: batches are only ever added.
    """
    part = "" if wanted.whole else f"-{wanted}"
    kept = f"private, immutable, max-age={_SEALED_SECONDS}"
    headers = {
        "ETag": f'"{session.batch_count}-{encoding}{part}"',
        "Cache-Control": kept if session.sealed else "private, no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": "application/json",
    }
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return headers


async def _send(
    request: web.Request,
    session: Session,
    replay: Replay,
    beginning: bytes,
    headers: dict[str, str],
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    response.content_length = replay.length
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        for part in _parts(beginning):
            await response.write(part)
        async for piece in replay.body:
            for part in _parts(piece):
                await response.write(part)
        await response.write_eof()
    except (IncompleteReplay, DatabaseUnavailable, CorruptData) as error:
        # The status is out: only a broken connection can still say that this is not all.
        logger.warning("the replay of %s broke off: %r", session.session_id, error)
        if request.transport is not None:
            request.transport.abort()
    return response


def _parts(piece: bytes) -> Sequence[bytes | memoryview]:
    """Cut a large piece: what a slow client has not taken is copied into its buffer."""
    if len(piece) <= _WRITE_BYTES:
        return (piece,)
    view = memoryview(piece)
    return [view[start : start + _WRITE_BYTES] for start in range(0, len(piece), _WRITE_BYTES)]
