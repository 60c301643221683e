"""The routes that delete, export, and look after the service."""

from collections.abc import Mapping

from spectraview import errors
from spectraview.api.openapi import examples
from spectraview.api.openapi.answers import (
    DeletedSessions,
    Done,
    Export,
    Health,
    Status,
    Token,
)
from spectraview.api.openapi.manifest import StorageUse
from spectraview.api.openapi.operations import (
    ARCHIVE_ERRORS,
    BODY_ERRORS,
    Content,
    Operation,
    Reply,
    answers,
)
from spectraview.ingest.requests import TokenBody

_TAG = "Administration"
_HEALTH = "Health"
_OPENMETRICS = "application/openmetrics-text"

ADMINISTRATION: Mapping[tuple[str, str], Operation] = {
    ("DELETE", "/api/sessions/{session_id}"): Operation(
        _TAG,
        answers(Done, examples.DONE, "The session is gone; again is the same as once."),
        (errors.SessionNotFound,),
    ),
    ("DELETE", "/api/users/{user_id}"): Operation(
        _TAG,
        answers(DeletedSessions, examples.DELETED_SESSIONS, "The user's sessions are gone."),
        (errors.InvalidParameter,),
    ),
    ("GET", "/api/users/{user_id}/export"): Operation(
        _TAG,
        {
            200: Reply(
                "Each session with its whole replay, streamed.",
                (Content(Export, examples.EXPORT),),
                ("Content-Disposition",),
            )
        },
        (errors.InvalidParameter, *ARCHIVE_ERRORS),
    ),
    ("POST", "/api/sessions/{session_id}/tokens"): Operation(
        _TAG,
        answers(Token, examples.TOKEN, "The token."),
        (*BODY_ERRORS, errors.SessionNotFound),
        headers=("Content-Encoding",),
        body=Content(TokenBody, examples.TOKEN_REQUEST),
        body_required=False,
        description="It is good for an hour if nothing is said, and no longer than the key that"
        " it was made with.",
    ),
    ("GET", "/api/storage"): Operation(
        _TAG,
        answers(StorageUse, examples.STORAGE_USE, "By table, day and app."),
        (errors.AppForbidden,),
        description="Only a key for every app may ask. An answer may be ten seconds old.",
    ),
    ("GET", "/metrics"): Operation(
        _HEALTH,
        {
            200: Reply(
                "The metrics, for Prometheus.",
                (Content(media_type="text/plain"), Content(media_type=_OPENMETRICS)),
            )
        },
        (errors.Unauthorized, errors.Forbidden),
        description="Open to requests from the server's own machine. Others need the token that"
        " the server was given, in `Authorization: Bearer`, or a key with the scope `admin` in"
        " `X-API-Key`.",
    ),
    ("GET", "/health"): Operation(
        _HEALTH,
        {
            200: Reply("Batches can be stored.", (Content(Health, examples.HEALTH),)),
            503: Reply(
                "PostgreSQL is away.",
                (Content(Health, examples.HEALTH | examples.UNHEALTHY),),
            ),
        },
    ),
    ("GET", "/health/live"): Operation(
        _HEALTH, answers(Status, {"status": "live"}, "The process runs.")
    ),
    ("GET", "/health/ready"): Operation(
        _HEALTH,
        {
            200: Reply("Send requests here.", (Content(Status, {"status": "ready"}),)),
            503: Reply("Send none.", (Content(Status, {"status": "draining"}),)),
        },
    ),
}
