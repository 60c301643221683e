"""Every failure a client can see: one class each, its docstring the default message, its name the
stable code.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class ApiError(Exception):
    """Something went wrong"""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        message: str | None = None,
        *,
        where: str | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or self.__doc__)
        self.where = where
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    @property
    def code(self) -> str:
        """Return the stable code: the class name in snake_case."""
        return _WORD.sub("_", type(self).__name__).lower()


class Unauthorized(ApiError):
    """Unauthorized"""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(ApiError):
    """This API key lacks the scope for this request"""

    status = HTTPStatus.FORBIDDEN


class AppForbidden(ApiError):
    """This API key belongs to another app"""

    status = HTTPStatus.FORBIDDEN


class OriginForbidden(ApiError):
    """This API key may not be used from this origin"""

    status = HTTPStatus.FORBIDDEN


class NotFound(ApiError):
    """Not found"""

    status = HTTPStatus.NOT_FOUND


class KeyNotFound(ApiError):
    """There is no such API key"""

    status = HTTPStatus.NOT_FOUND


class LastAdminKey(ApiError):
    """This is the last API key that may do everything; make another one first"""

    status = HTTPStatus.CONFLICT


class KeyExceedsOwn(ApiError):
    """A key can't be given more than the key has that makes or changes it"""

    status = HTTPStatus.FORBIDDEN


class KeyRevoked(ApiError):
    """This API key is revoked or has expired and can't be changed"""

    status = HTTPStatus.CONFLICT


class MethodNotAllowed(ApiError):
    """Method not allowed"""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class SessionNotFound(ApiError):
    """Session not found"""

    status = HTTPStatus.NOT_FOUND


class SessionExpired(ApiError):
    """Session expired"""

    status = HTTPStatus.GONE


class SessionDeleted(ApiError):
    """Session deleted"""

    status = HTTPStatus.GONE


class SessionAppConflict(ApiError):
    """This session belongs to another app"""

    status = HTTPStatus.CONFLICT


class IdempotencyConflict(ApiError):
    """This idempotency key was used before with other content"""

    status = HTTPStatus.CONFLICT


class InvalidSessionId(ApiError):
    """The session id must be a UUID"""

    status = HTTPStatus.BAD_REQUEST


class SessionIdMismatch(ApiError):
    """The body's sessionId is not the address's"""

    status = HTTPStatus.BAD_REQUEST


class InvalidParameter(ApiError):
    """A query parameter has a wrong value"""

    status = HTTPStatus.BAD_REQUEST


class InvalidRequest(ApiError):
    """The request can't be read"""

    status = HTTPStatus.BAD_REQUEST


class InvalidJson(ApiError):
    """The body is not valid JSON"""

    status = HTTPStatus.BAD_REQUEST


class InvalidUtf8(ApiError):
    """The text is not valid UTF-8"""

    status = HTTPStatus.BAD_REQUEST


class JsonTooDeep(ApiError):
    """The JSON is nested too deeply"""

    status = HTTPStatus.BAD_REQUEST


class InvalidBody(ApiError):
    """A field of the body is missing or has a wrong type"""

    status = HTTPStatus.BAD_REQUEST


class InvalidBase64(ApiError):
    """The compressed data is not valid base64"""

    status = HTTPStatus.BAD_REQUEST


class InvalidCompression(ApiError):
    """The compressed data can't be inflated"""

    status = HTTPStatus.BAD_REQUEST


class InvalidEvent(ApiError):
    """An event is not an rrweb event"""

    status = HTTPStatus.BAD_REQUEST


class UnsupportedEncoding(ApiError):
    """This Content-Encoding is not supported"""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UpgradeRequired(ApiError):
    """This address speaks WebSocket"""

    status = HTTPStatus.UPGRADE_REQUIRED


class TooManyViewers(ApiError):
    """This process has as many viewers as it may"""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class TooManyEvents(ApiError):
    """The batch has too many events"""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class TooMuchToScrub(ApiError):
    """The batch has too much that could be a secret; send smaller ones"""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BodyTooLarge(ApiError):
    """The body is too large"""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BodyTooSlow(ApiError):
    """The rest of the body did not come in time"""

    status = HTTPStatus.REQUEST_TIMEOUT


class HeadTooSlow(ApiError):
    """The rest of the request's head did not come in time"""

    status = HTTPStatus.REQUEST_TIMEOUT


class HeadTooLarge(ApiError):
    """The request's address or headers are too large"""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class ExpectationFailed(ApiError):
    """No other expectation than 100-continue is known"""

    status = HTTPStatus.EXPECTATION_FAILED


class TooManyConnections(ApiError):
    """There are as many connections as there may be"""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InflatedTooLarge(ApiError):
    """The inflated events are too large"""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class RateLimited(ApiError):
    """Too many requests"""

    status = HTTPStatus.TOO_MANY_REQUESTS


class QuotaExceeded(ApiError):
    """This API key has used what it may use in a day"""

    status = HTTPStatus.TOO_MANY_REQUESTS


class StoreUnavailable(ApiError):
    """The store is not available; nothing was lost, send the same again later"""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ArchiveUnavailable(ApiError):
    """The archive is not available; try again later"""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ArchivedDataMissing(ApiError):
    """The archive does not hold what was stored of this session"""


class Overloaded(ApiError):
    """Too much is being stored right now; send the same again later"""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InternalError(ApiError):
    """Internal server error"""
