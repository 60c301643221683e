"""Viewer tokens: signed, short-lived leave to read one session, for links and browsers' sockets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import jwt

from spectraview.access.api_keys import ApiKey
from spectraview.storage import queries
from spectraview.storage.database import Database
from spectraview.storage.shared import SharedCalls

_ALGORITHM = "HS256"
_AUDIENCE = "spectraview-viewer"


class InvalidViewerToken(Exception):
    """The token is forged, expired or for another session."""


@dataclass(frozen=True, slots=True)
class ViewerToken:
    """What a token grants: to read a session until `expires_at` (seconds since 1970).

    `key_id` is the API key that it was made with: the token is no longer good than the key.
    """

    session_id: UUID
    key_id: int
    app_id: str | None
    expires_at: float

    def as_key(self) -> ApiKey:
        """Return the API key that the token stands for: it reads, and no more."""
        now = datetime.now(UTC)
        return ApiKey(
            self.key_id, "viewer token", self.app_id, frozenset({"read"}), frozenset(), now, None
        )


class ViewerTokens:
    """Signs tokens and checks them, with a secret that all processes find in the database."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._secret: bytes | None = None
        self._lookups: SharedCalls[bytes] = SharedCalls("viewer-token-secret")

    async def issue(self, token: ViewerToken) -> str:
        """Return the token's text (JWT, RFC 7519)."""
        claims = {
            "aud": _AUDIENCE,
            "sub": str(token.session_id),
            "key": token.key_id,
            "app": token.app_id,
            "iat": int(self._now()),
            "exp": int(token.expires_at),
        }
        return jwt.encode(claims, await self._find_secret(), _ALGORITHM)

    async def check(self, text: str, session_id: UUID) -> ViewerToken:
        """Return what a token grants. Raises InvalidViewerToken."""
        secret = await self._find_secret()
        try:
            claims = jwt.decode(
                text,
                secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                subject=str(session_id),
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise InvalidViewerToken(str(error)) from error
        return ViewerToken(session_id, claims["key"], claims["app"], float(claims["exp"]))

    async def _find_secret(self) -> bytes:
        if self._secret is None:
            self._secret = await self._lookups.get("secret", self._fetch_secret)
        return self._secret

    async def _fetch_secret(self) -> bytes:
        row = await self._database.fetch_one(queries.FETCH_SECRET, {"name": "viewer_tokens"})
        assert row is not None, "a migration makes it"
        return bytes(row[0])
