"""What every crowd of publishers and viewers does: begin, finish in time, and be checked."""

import asyncio
from collections.abc import Sequence
from random import Random

from aiohttp import ClientSession

from tests.faults.checker import check_session
from tests.faults.event_source import EventSource
from tests.faults.history import History, SessionHistory
from tests.faults.publisher import Publisher
from tests.faults.stored import ReadObject, ask, no_archive, read_sessions
from tests.faults.story import tell
from tests.faults.watcher import Habit, Watcher


def make_watchers(
    habits: Sequence[Habit],
    http: ClientSession,
    urls: Sequence[str],
    key: str,
    session: SessionHistory,
    history: History,
    random: Random,
) -> list[Watcher]:
    """Return a viewer of the session for each habit."""
    return [
        (EventSource if habit.event_source else Watcher)(
            http, urls, key, session, history, habit, Random(random.random())
        )
        for habit in habits
    ]


def start_watching(watcher: Watcher, publisher: Publisher) -> asyncio.Task[None]:
    """Let a viewer watch from when there is something to be seen."""

    async def watch() -> None:
        await publisher.stored_something.wait()
        await watcher.run()

    return asyncio.create_task(watch(), name="watcher")


async def finish(
    history: History, tasks: Sequence[asyncio.Task[None]], seconds: float, promise: str
) -> None:
    """Wait until the tasks have ended; those that have not in this time break a promise."""
    done, pending = await asyncio.wait(tasks, timeout=seconds)
    if pending:
        history.violate(promise, f"{len(pending)} of {len(tasks)} hang")
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def check_sessions(
    history: History,
    http: ClientSession,
    database_url: str,
    urls: Sequence[str],
    key: str,
    read_object: ReadObject = no_archive,
) -> None:
    """Compare all that happened with what is stored, and with what each of the urls answers."""
    session_ids = [session.session_id for session in history.sessions]
    stored = await asyncio.to_thread(read_sessions, database_url, session_ids, read_object)
    for session in history.sessions:
        answers = [await ask(http, url, key, session.session_id) for url in urls]
        found = check_session(session, stored[session.session_id], answers)
        history.violations += found
        if found:
            history.stories[session.session_id] = tell(session, stored[session.session_id])
