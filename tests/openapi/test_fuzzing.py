"""Schemathesis and broken requests by the thousand: nothing fails, nothing is answered otherwise
than the document says, nothing is left over. `scripts/fuzz` sends more.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import ujson
from aiohttp import ClientSession, TCPConnector
from yarl import URL

from tests.openapi.conformance import the_conformance
from tests.openapi.fuzzed_service import FuzzedService, Use, fuzzed_service
from tests.openapi.mutations import FuzzedRequest, RequestMaker

REQUESTS = int(os.environ.get("SPECTRAVIEW_FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("SPECTRAVIEW_FUZZ_SEED", "1"))
LONG = "SPECTRAVIEW_FUZZ_REQUESTS" in os.environ
CLIENTS = 8
COMPARED = 100_000
MEMORY_MB = 40
SECONDS = REQUESTS // 10 + 600 if LONG else 600
FOLDER = Path(__file__).parent
PROJECT = FOLDER.parents[1]


@pytest.fixture
async def fuzzed(database_url: str, redis_url: str) -> AsyncIterator[FuzzedService]:
    folder = Path(tempfile.mkdtemp(prefix="spectraview-fuzzed-"))
    async with fuzzed_service(folder, database_url, redis_url) as service:
        yield service
    shutil.rmtree(folder)


@pytest.mark.timeout(SECONDS)
async def test_schemathesis_finds_nothing(fuzzed: FuzzedService) -> None:
    examples = REQUESTS // 400 if LONG else 2
    before = await fuzzed.use()
    code, output, answers = await schemathesis(fuzzed, examples)
    tell("schemathesis", answers, f"before: {before}; after: {await fuzzed.use()}")
    assert code == 0, output[-20_000:]
    assert sum(answers.values()) > 100
    assert fuzzed.alarms() == []


async def schemathesis(fuzzed: FuzzedService, examples: int) -> tuple[int, str, Counter[str]]:
    """Run schemathesis; return its exit code, what it says, and the answers by status."""
    file = fuzzed.log.with_name("answers.json")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(FOLDER / "schemathesis.toml"), "run"),
        *(f"{fuzzed.service.url}/api/openapi.json", "-H"),
        f"X-API-Key: {fuzzed.service.keys['admin']}",
        *("--max-examples", str(examples), "--seed", str(SEED)),
        *(() if LONG else ("--max-time", "60")),
        cwd=fuzzed.log.parent,
        env=os.environ
        | {
            "PYTHONPATH": str(PROJECT),
            "SCHEMATHESIS_HOOKS": "tests.openapi.schemathesis_hooks",
            "SPECTRAVIEW_FUZZED_SESSIONS": ",".join(map(str, fuzzed.sessions)),
            "SPECTRAVIEW_FUZZED_ANSWERS": str(file),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    counted = json.loads(file.read_text()) if file.exists() else {}
    answers: Counter[str] = Counter()
    for name, count in counted.items():
        answers[name.split()[0]] += count
    return process.returncode or 0, output.decode(), answers


@pytest.mark.timeout(SECONDS)
async def test_broken_requests_are_answered_as_documented(fuzzed: FuzzedService) -> None:
    document = the_conformance().document
    maker = RequestMaker(document, fuzzed.sessions, fuzzed.service.keys, Random(SEED))
    answers: Counter[str] = Counter()
    faults: list[str] = []
    began = time.monotonic()
    await send(fuzzed, maker, REQUESTS // 10, answers, faults)  # fills caches and pools
    before = await fuzzed.use()
    await send(fuzzed, maker, REQUESTS - REQUESTS // 10, answers, faults)
    after = await settled(fuzzed, before.tasks)
    seconds = time.monotonic() - began
    tell("broken requests", answers, f"{seconds:.0f} s; before: {before}; after: {after}")
    assert faults == []
    assert fuzzed.alarms() == []
    assert after.tasks <= before.tasks
    assert after.database_connections <= before.database_connections
    assert after.descriptors <= before.descriptors + CLIENTS
    assert after.resident_mb < before.resident_mb + MEMORY_MB


async def send(
    fuzzed: FuzzedService,
    maker: RequestMaker,
    count: int,
    answers: Counter[str],
    faults: list[str],
) -> None:
    """Send so many requests from some clients at once."""
    connector = TCPConnector(limit=CLIENTS)
    async with ClientSession(connector=connector) as http:

        async def go_on(requests: int) -> None:
            for _ in range(requests):
                status, found = await one(http, fuzzed.service.url, maker.make())
                answers[str(status)] += 1
                faults.extend(found)
                for fault in found:
                    print(fault)  # the long form goes on for minutes

        await asyncio.gather(*(go_on(count // CLIENTS) for _ in range(CLIENTS)))


async def one(http: ClientSession, url: str, request: FuzzedRequest) -> tuple[int, list[str]]:
    """Send a request; return the status, and what is wrong with the answer."""
    target = URL(f"{url}{request.target}", encoded=True)
    async with http.request(
        request.method, target, data=request.body, headers=dict(request.headers)
    ) as response:
        content = await response.read()
        is_json = response.content_type == "application/json" and content
        body = ujson.loads(content) if is_json else content
    found = [f"{request}: 5xx"] if response.status >= 500 else []
    if len(content) <= COMPARED:
        path = target.raw_path
        said = the_conformance().faults(
            request.method, path, response.status, response.headers, body
        )
        found += [f"{request}: {response.status} {fault}" for fault in said]
    return response.status, found


async def settled(fuzzed: FuzzedService, tasks: int) -> Use:
    """Return what the service holds when its connections are gone, or after a while."""
    for _ in range(50):
        use = await fuzzed.use()
        if use.tasks <= tasks:
            break
        await asyncio.sleep(0.2)
    return use


def tell(name: str, answers: Counter[str], more: str) -> None:
    """Print what was answered, for who runs the long form."""
    counted = ", ".join(f"{status}: {count:,}" for status, count in sorted(answers.items()))
    print(f"\n{name}: {answers.total():,} requests ({counted}); {more}")
