"""The routes that record: start, batches, heartbeat, end."""

from collections.abc import Mapping

from spectraview import errors
from spectraview.api.openapi import examples
from spectraview.api.openapi.answers import Acknowledged, Done, Receipt, Receipts
from spectraview.api.openapi.messages import INGEST_ANSWERS
from spectraview.api.openapi.operations import (
    BODY_ERRORS,
    GONE_ERRORS,
    Content,
    Operation,
    Reply,
    answers,
)
from spectraview.ingest.body import BatchBody, SeveralBatches
from spectraview.ingest.requests import EndBody, HeartbeatBody, StartBody

_TAG = "Recording"
_SESSION = "/api/sessions/{session_id}"
_BATCH_ERRORS = (
    *BODY_ERRORS,
    *GONE_ERRORS,
    errors.InvalidBase64,
    errors.InvalidEvent,
    errors.SessionIdMismatch,
    errors.IdempotencyConflict,
    errors.SessionNotFound,
    errors.InflatedTooLarge,
    errors.TooManyEvents,
    errors.TooMuchToScrub,
)

RECORDING: Mapping[tuple[str, str], Operation] = {
    ("POST", "/api/sessions/start"): Operation(
        _TAG,
        answers(Acknowledged, examples.STARTED),
        (*BODY_ERRORS, *GONE_ERRORS, errors.TooMuchToScrub),
        headers=("Content-Encoding",),
        body=Content(StartBody, examples.START),
        description="A later start of the same session fills in a user or ticket that was not"
        " known. A time below 10¹¹ counts seconds, else milliseconds; a session answers in the"
        " unit that it was started in.",
    ),
    ("POST", f"{_SESSION}/events"): Operation(
        _TAG,
        {
            200: Reply(
                "All of it is committed. A batch that was stored before is not stored again.",
                (Content((Receipt, Receipts), examples.RECEIPT),),
            )
        },
        _BATCH_ERRORS,
        headers=("Content-Encoding", "Idempotency-Key"),
        body=Content((BatchBody, SeveralBatches), examples.BATCH),
        description="`events` is an array of rrweb events, or an object with the base64 of its"
        " zlib, gzip or raw deflate form; each event of an array may be packed by"
        " `@rrweb/packer`. The whole body may be compressed too, see `Content-Encoding`. A batch"
        " without a key is known by its content. Events, custom events and errors come back"
        " exactly as they were sent.",
    ),
    ("POST", f"{_SESSION}/heartbeat"): Operation(
        _TAG,
        answers(Done, examples.DONE),
        (*BODY_ERRORS, *GONE_ERRORS, errors.SessionNotFound),
        headers=("Content-Encoding",),
        body=Content(HeartbeatBody, examples.HEARTBEAT),
        body_required=False,
    ),
    ("POST", f"{_SESSION}/end"): Operation(
        _TAG,
        answers(Acknowledged, examples.ENDED),
        (*BODY_ERRORS, *GONE_ERRORS, errors.SessionNotFound),
        headers=("Content-Encoding",),
        body=Content(EndBody, examples.END),
        body_required=False,
        description="Without `endTime` a session ends at its last event. It takes late batches"
        " until it expires, and stays ended.",
    ),
    ("GET", f"{_SESSION}/ingest"): Operation(
        _TAG,
        {101: Reply("The WebSocket is open.")},
        (errors.UpgradeRequired,),
        messages={"client": BatchBody, "server": INGEST_ANSWERS},
        description="A WebSocket; send the key as `?apiKey=` where a browser cannot set headers."
        " Each message is a batch: a text message the JSON that a POST would have, a binary one"
        " the same compressed (zlib, gzip or raw deflate). `message` counts the client's messages"
        " from 0. Close codes: 1009 a message was too large, 1012 the server stops, 1013 send all"
        " without a receipt again, 4401 the key was revoked.",
    ),
}
