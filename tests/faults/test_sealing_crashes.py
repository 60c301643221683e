"""Sealing that dies at any moment loses, doubles and leaves nothing.

`KILLS=50 python -m pytest tests/faults/test_sealing_crashes.py` kills more often.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from spectraview.storage.database import Database
from tests.lifecycle.sealed import Sealed, random_bodies

KILLS = int(os.environ.get("KILLS", "3"))
SESSIONS = 5
BATCHES = 40
STATEMENTS = 40
"""Fewer than sealing takes."""
LATEST_KILL = 0.01
"""Seconds after the beginning of a statement."""

pytestmark = pytest.mark.timeout(120 + 30 * KILLS)


@pytest.fixture
def sealed(database: Database) -> Sealed:
    """A database to seal sessions in."""
    return Sealed(database)


@pytest.mark.parametrize("seed", range(KILLS))
async def test_sealing_that_is_killed_loses_doubles_and_leaves_nothing(
    sealed: Sealed, database_url: str, seed: int
) -> None:
    random = Random(seed)
    sessions = [await sealed.record(*random_bodies(random, BATCHES)) for _ in range(SESSIONS)]
    before = [await sealed.seen(session_id) for session_id in sessions]
    await seal_and_die(database_url, random)
    assert [await sealed.seen(session_id) for session_id in sessions] == before
    if random.random() < 0.5:
        await sealed.add(random.choice(sessions), *random_bodies(random, 3))
        before = [await sealed.seen(session_id) for session_id in sessions]
    report = await sealed.sealer(lease=0).seal(1000)
    assert report.failed == 0
    assert [await sealed.seen(session_id) for session_id in sessions] == before
    for session_id in sessions:
        await assert_wholly_sealed(sealed, session_id)


async def seal_and_die(database_url: str, random: Random) -> None:
    """Let a process seal until it dies."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.sealing_process",
        database_url,
        str(random.randint(1, STATEMENTS)),
        str(random.uniform(0, LATEST_KILL)),
        cwd=Path(__file__).parents[2],
    )
    assert await process.wait() == -signal.SIGKILL


async def assert_wholly_sealed(sealed: Sealed, session_id: UUID) -> None:
    """Assert that all batches lie in segments that follow one another, and nowhere else."""
    assert await sealed.is_sealed(session_id)
    assert await sealed.count_rows(session_id) == 0
    segments = await sealed.segments_of(session_id)
    ends = [0, *(segment.last_batch for segment in segments)]
    assert [segment.first_batch - 1 for segment in segments] == ends[:-1]
    session = await sealed.store.fetch_session(session_id)
    assert session is not None
    assert ends[-1] == session.batch_count
