"""The routes that read sessions."""

from collections.abc import Mapping

from spectraview import errors
from spectraview.api.analytics import (
    CUSTOM_EVENT_PARAMETERS,
    DAY_PARAMETERS,
    ERROR_PARAMETERS,
)
from spectraview.api.event_stream import STREAM_PARAMETERS
from spectraview.api.lists import LIST_PARAMETERS
from spectraview.api.openapi import examples
from spectraview.api.openapi.answers import Replay, Session, SessionPage
from spectraview.api.openapi.figures import Analytics, ErrorGroups, EventCounts
from spectraview.api.openapi.manifest import Manifest
from spectraview.api.openapi.messages import EVENTS, LIVE_MESSAGES, CloseMessage
from spectraview.api.openapi.operations import (
    ARCHIVE_ERRORS,
    Content,
    Operation,
    Reply,
    answers,
)
from spectraview.api.replay import REPLAY_PARAMETERS
from spectraview.live.protocol import Subscribe

_TAG = "Reading"
_SESSION = "/api/sessions/{session_id}"
_NOT_FOUND = (errors.SessionNotFound,)
_UNCHANGED = Reply("The client has it already.", headers=("ETag", "Cache-Control"))

READING: Mapping[tuple[str, str], Operation] = {
    ("GET", "/api/sessions"): Operation(
        _TAG,
        answers(SessionPage, examples.SESSION_PAGE, "A page of the list."),
        parameters=LIST_PARAMETERS,
        description="By the time at which the server learned of a session. `total` is exact up to"
        " 10,000. Where no index finds a text, one request looks through so many sessions and"
        " answers what it has found, which may be none: go on while there is a `cursor`.",
    ),
    ("GET", _SESSION): Operation(
        _TAG, answers(Session, examples.SESSION, "The session."), _NOT_FOUND
    ),
    ("GET", f"{_SESSION}/replay"): Operation(
        _TAG,
        {
            200: Reply(
                "The events, streamed. An answer that arrives whole is whole.",
                (Content(Replay, examples.REPLAY),),
                ("ETag", "Cache-Control"),
                ("Content-Encoding",),
            ),
            304: _UNCHANGED,
        },
        (*_NOT_FOUND, *ARCHIVE_ERRORS),
        parameters=REPLAY_PARAMETERS,
        headers=("If-None-Match", "Accept-Encoding"),
        description="In stored order. Timestamps are compared as the events have them. Custom"
        " events and errors come with the batch that they were sent in.",
    ),
    ("GET", f"{_SESSION}/replay/manifest"): Operation(
        _TAG,
        {
            200: Reply(
                "The manifest.",
                (Content(Manifest, examples.MANIFEST),),
                ("ETag", "Cache-Control"),
            ),
            304: _UNCHANGED,
        },
        _NOT_FOUND,
        headers=("If-None-Match",),
        description="What a player loads first. It works while the session runs.",
    ),
    ("GET", f"{_SESSION}/live"): Operation(
        _TAG,
        {
            101: Reply("The WebSocket is open."),
            200: Reply(
                "Server-sent events, for `Accept: text/event-stream`.",
                (Content(media_type="text/event-stream"),),
                ("Cache-Control",),
            ),
            204: Reply("Server-sent events: the session has ended and the client has all of it."),
        },
        (*_NOT_FOUND, *ARCHIVE_ERRORS, errors.UpgradeRequired, errors.TooManyViewers),
        parameters=STREAM_PARAMETERS,
        headers=("Last-Event-ID",),
        messages={
            "client": Subscribe,
            "server, protocol 1": EVENTS,
            "server, protocol 2": LIVE_MESSAGES,
            "event stream, at its end": CloseMessage,
        },
        description="A WebSocket, whose first message is the client's `subscribe`; without an"
        " upgrade, an event stream. Protocol 1 sends one event a message, as it was ingested."
        " Protocol 2 sends batches with their sequences, and compressed ones as binary messages"
        " on request. Close codes: 1000 the session has ended, 1009 the message was too large,"
        " 1011 internal error, 1012 reconnect, 4400 no subscribe message, 4401 the key or token is"
        " no longer good, 4404 no such session, 4408 too slow.",
    ),
    ("GET", "/api/analytics"): Operation(
        _TAG,
        answers(Analytics, examples.ANALYTICS, "The figures."),
        parameters=DAY_PARAMETERS,
        description="Of the last 30 days, UTC, by start time.",
    ),
    ("GET", "/api/analytics/errors"): Operation(
        _TAG,
        answers(ErrorGroups, examples.ERROR_GROUPS, "A page of the groups."),
        parameters=ERROR_PARAMETERS,
        description="By type, message and top stack frame; of the last 7 days if not said.",
    ),
    ("GET", "/api/analytics/events"): Operation(
        _TAG,
        answers(EventCounts, examples.EVENT_COUNTS, "A page of the counts."),
        parameters=CUSTOM_EVENT_PARAMETERS,
        description="Of the last 7 days if not said.",
    ),
}
