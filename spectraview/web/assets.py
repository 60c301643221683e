"""The built files of `dist`, read once, each with what its answer needs."""

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

DIST = Path(__file__).parent / "dist"

_GZIP_FROM = 1024
_COMPRESSIBLE = ("text/", "application/json", "application/manifest", "image/svg")
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".webmanifest": "application/manifest"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    content_type: str
    body: bytes = field(repr=False)
    gzipped: bytes | None = field(repr=False)
    etag: str


def read_assets(folder: Path = DIST) -> Mapping[str, Asset]:
    """Return all files of a folder by their paths in it; none when there is no such folder.

    They are kept in memory, so that a build under a running server mixes no two builds.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): read_asset(path) for path in paths}


def read_asset(path: Path) -> Asset:
    """Return a file."""
    return asset_of(path.read_bytes(), _content_type(path))


def asset_of(body: bytes, content_type: str) -> Asset:
    """Return an asset of these bytes, compressed if that saves something."""
    gzipped = None
    if len(body) >= _GZIP_FROM and content_type.startswith(_COMPRESSIBLE):
        gzipped = gzip.compress(body, mtime=0)
    return Asset(content_type, body, gzipped, sha256(body).hexdigest()[:20])


def _content_type(path: Path) -> str:
    known = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return known or "application/octet-stream"
