"""The server that is measured: where it listens, how to be let in, which processes it is."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from bench.errors import BenchError
from bench.recordings import BatchBody


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The API keys to write and to read with."""

    ingest: str = field(repr=False)
    read: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """A server that speaks the API, and who the benchmark says it is."""

    name: str
    host: str
    port: int
    prefix: str
    keys: ApiKeys
    app_id: str
    user_id: str
    process_ids: Mapping[str, int]
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)

    def request(self, method: str, path: str, key: str, body: bytes = b"") -> bytes:
        """Return the bytes of a request, but for `body` to be appended when it is long."""
        return (
            f"{method} {self.prefix}{path} HTTP/1.1\r\n"
            f"Host: {self.host}:{self.port}\r\n"
            f"X-API-Key: {key}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def start_body(self, session_id: UUID, start_time: int) -> bytes:
        """Return the body that starts a session."""
        members = {
            "sessionId": str(session_id),
            "userId": self.user_id,
            "appId": self.app_id,
            "startTime": start_time,
            "metadata": {"url": "https://shop.example/", "language": "en"},
        }
        return json.dumps(members).encode()

    def events_body(self, session_id: UUID, batch: BatchBody) -> bytes:
        """Return the body that appends a batch to a session."""
        names = f'"sessionId":"{session_id}","userId":"{self.user_id}","appId":"{self.app_id}"'
        return b"{%b,%b" % (names.encode(), batch.members)

    def is_local(self) -> bool:
        """Tell whether the server runs on this machine: its address can be bound here."""
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                self.host, None, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind) as probe:
                probe.bind((address[0], 0))
        except OSError:
            return False
        return True


def parse_url(text: str) -> tuple[str, str, int, str]:
    """Take `[NAME=]http://HOST[:PORT][/PREFIX]` apart. Raises BenchError."""
    name, separator, rest = text.partition("=")
    if not separator or "/" in name:
        name, rest = "", text
    try:
        url = urlsplit(rest)
        host, port = url.hostname, url.port or 80
    except ValueError as error:
        raise BenchError(f"{text} is no URL: {error}") from error
    if url.scheme != "http" or not host:
        raise BenchError(f"{text} is no http:// URL; run beside the server, without TLS")
    return name or f"{host}:{port}", host, port, url.path.rstrip("/")


def read_keys(data_dir: Path) -> ApiKeys:
    """Read the keys that a server made for itself. Raises BenchError."""
    path = data_dir / "keys.json"
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
        return ApiKeys(keys["ingest"], keys["read"])
    except (OSError, ValueError, KeyError) as error:
        raise BenchError(
            f"No API keys in {path}: name the server's --data-dir, or --ingest-key and --read-key"
        ) from error
