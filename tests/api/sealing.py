"""Sealed sessions for the tests of the API, and answers as they are on the wire."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import zstandard

from spectraview.keys import DATABASE, SEGMENT_DATA
from spectraview.lifecycle.sealing import Sealer, SealReport
from spectraview.lifecycle.segment_builder import SegmentSizes
from tests.api_client import ApiClient

SMALL = SegmentSizes(least=200_000, most=400_000, small=20_000)
"""Many segments even of a short recording."""


@dataclass(frozen=True, slots=True)
class Wire:
    """An answer as it is on the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def encoding(self) -> str:
        """Return its coding."""
        return self.headers.get("Content-Encoding", "identity")

    @property
    def text(self) -> bytes:
        """Return the body with its coding undone."""
        if self.encoding == "zstd":
            reader = zstandard.ZstdDecompressor().stream_reader(self.body, read_across_frames=True)
            return reader.read()
        return gzip.decompress(self.body) if self.encoding == "gzip" else self.body


async def fetch(api: ApiClient, path: str, encoding: str = "identity", **headers: str) -> Wire:
    """Read with the read key, in one coding."""
    sent = {"X-API-Key": api.keys["read"], "Accept-Encoding": encoding}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.client.get(path, headers=sent, auto_decompress=False) as response:
        return Wire(response.status, response.headers, await response.read())


async def seal(api: ApiClient, sizes: SegmentSizes = SMALL) -> SealReport:
    """Seal what can be sealed of the sessions that have ended."""
    app = api.client.app
    sealer = Sealer(app[DATABASE], app[SEGMENT_DATA], seal_after=0, sizes=sizes)
    return await sealer.seal(1000)


async def seal_all(api: ApiClient, sizes: SegmentSizes = SMALL) -> None:
    """Seal all sessions that have ended."""
    assert not (await seal(api, sizes)).failed


async def end_and_seal(api: ApiClient, session_id: UUID, sizes: SegmentSizes = SMALL) -> None:
    """End a session and seal it."""
    await api.end(session_id)
    await seal_all(api, sizes)
