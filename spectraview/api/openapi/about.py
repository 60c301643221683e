"""What the document says of the API as a whole: how to use it, and with which keys."""

from collections.abc import Mapping

from spectraview.api.openapi.schemas import Schema

PATH_PARAMETERS: Mapping[str, Schema] = {
    "session_id": {"type": "string", "format": "uuid"},
    "user_id": {"type": "string", "minLength": 1, "maxLength": 100},
    "key_id": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "path": {"type": "string", "minLength": 1},
}
KEY_SCHEMES = ("ApiKey", "ApiKeyInQuery")
TOKEN_SCHEMES = ("ViewerToken", "ViewerTokenInQuery")
SECURITY_SCHEMES: Mapping[str, Schema] = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key with the scope that is listed, or with `admin`. A key that is bound"
        " to an app sees and writes that app only.",
    },
    "ApiKeyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "apiKey",
        "description": "The same, where a browser cannot set headers: beacons and WebSockets.",
    },
    "ViewerToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A viewer token of the session.",
    },
    "ViewerTokenInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The same, where a browser cannot set headers.",
    },
}
ABOUT = (
    "Records, stores, replays and live-streams rrweb sessions.\n\nBodies and answers are JSON,"
    " whatever the `Content-Type` of a request says; integers are written without a fraction."
    " `HEAD` is answered where `GET` is. Pages of"
    " every origin may read the answers; what they may do depends on their key. Every failure is"
    " an `Error` with a stable code. The API only grows: members may be added, so ignore what you"
    " do not know."
)
