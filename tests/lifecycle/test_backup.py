"""A backup is restored into an empty server, with every replay; single sessions are taken along."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg2
import pytest
import ujson

from spectraview.embedded import ServerAddresses
from tests.api_client import ApiClient
from tests.conftest import ApiFactory, _run_sql, _with_database
from tests.lifecycle.object_stores import ObjectStoreServer, folder
from tests.lifecycle.test_maintain import run
from tests.recordings import load_recording, recording_names

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def empty_database_url(servers: ServerAddresses) -> Iterator[str]:
    """A database without any schema."""
    name = f"test_{uuid4().hex}"
    _run_sql(servers.database_url, f"CREATE DATABASE {name} TEMPLATE template0")
    yield _with_database(servers.database_url, name)
    _run_sql(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def object_store() -> Iterator[ObjectStoreServer]:
    """A folder to archive to."""
    with folder() as opened:
        yield opened


async def replays_of(api: ApiClient, session_ids: list[UUID]) -> list[object]:
    return [await api.replay(session_id) for session_id in session_ids]


async def upload_all(api: ApiClient) -> list[UUID]:
    """Upload every recording, some of them with an end."""
    session_ids = []
    for name in recording_names():
        session_ids.append(await api.start())
        await api.upload(session_ids[-1], load_recording(name))
        lists = {
            "customEvents": [{"eventType": "order", "timestamp": 1, "odd": "\ud83d\0"}],
            "errors": [{"type": "Error", "message": "no", "timestamp": 2}],
        }
        await api.post_events(session_ids[-1], lists)
    for session_id in session_ids[1:]:
        await api.end(session_id)
    return session_ids


async def test_every_replay_is_the_same_after_a_restore_into_an_empty_server(
    make_api: ApiFactory,
    database_url: str,
    empty_database_url: str,
    object_store: ObjectStoreServer,
    tmp_path: Path,
) -> None:
    archive = {"ARCHIVE_URL": object_store.url, "ARCHIVE_AFTER": "0"}
    before = await make_api(archive_url=object_store.url)
    session_ids = await upload_all(before)
    expected = await replays_of(before, session_ids)
    maintained = await run("maintain", DATABASE_URL=database_url, **archive)
    assert "archived 0 segments" not in maintained[1], maintained
    saved = await run("backup", tmp_path / "backup", DATABASE_URL=database_url, **archive)
    assert saved[0] == 0, saved
    restored = await run("restore", tmp_path / "backup", DATABASE_URL=empty_database_url, **archive)
    assert restored[:2] == (0, f"restored {len(session_ids)} sessions\n"), restored
    after = await make_api(database_url=empty_database_url, archive_url=object_store.url)
    assert await replays_of(after, session_ids) == expected


async def test_a_restore_says_which_objects_are_missing(
    make_api: ApiFactory,
    database_url: str,
    empty_database_url: str,
    object_store: ObjectStoreServer,
    tmp_path: Path,
) -> None:
    archive = {"ARCHIVE_URL": object_store.url, "ARCHIVE_AFTER": "0"}
    api = await make_api(archive_url=object_store.url)
    await upload_all(api)
    await run("maintain", DATABASE_URL=database_url, **archive)
    await run("backup", tmp_path / "backup", DATABASE_URL=database_url, **archive)
    listed = (tmp_path / "backup" / "objects.tsv").read_text().splitlines()
    assert len(listed) == len(recording_names()) - 1
    (Path(object_store.url.removeprefix("file://")) / listed[0].split("\t")[0]).unlink()
    code, _, errors = await run(
        "restore", tmp_path / "backup", DATABASE_URL=empty_database_url, **archive
    )
    assert code == 1
    assert listed[0].split("\t")[0] in errors


async def test_nothing_is_overwritten(database_url: str, tmp_path: Path) -> None:
    saved = await run("backup", tmp_path / "backup", DATABASE_URL=database_url)
    assert saved[0] == 0, saved
    again = await run("backup", tmp_path / "backup", DATABASE_URL=database_url)
    assert again[0] == 1
    assert "is not empty" in again[2]
    into = await run("restore", tmp_path / "backup", DATABASE_URL=database_url)
    assert into[0] == 1
    assert "The database is not empty." in into[2]
    assert (await run("restore", tmp_path, DATABASE_URL=database_url))[0] == 1


async def test_a_session_is_exported_as_players_open_it_and_imported_again(
    api: ApiClient, database_url: str, tmp_path: Path
) -> None:
    session_id, *_ = await upload_all(api)
    code, events, _ = await run("export", session_id, DATABASE_URL=database_url)
    replay = await api.replay(session_id)
    assert (code, ujson.loads(events)) == (0, replay["events"])
    file = tmp_path / "session.json"
    await run("export", session_id, "--whole", "--output", file, DATABASE_URL=database_url)
    copied = await run("import", file, "--app", "shop", "--user", "ann", DATABASE_URL=database_url)
    assert copied[0] == 0, copied
    copy = UUID(copied[1].strip())
    assert await api.replay(copy) == replay | {"sessionId": str(copy)}
    info = (await api.get(f"/api/sessions/{copy}")).json
    assert (info["userId"], info["live"]) == ("ann", False)


async def test_an_array_of_events_is_imported_too(
    api: ApiClient, database_url: str, tmp_path: Path
) -> None:
    recording = load_recording("gentelella-medium")
    file = tmp_path / "events.json"
    file.write_text(ujson.dumps(recording))
    session_id = uuid4()
    arguments = ("import", file, "--app", "shop", "--session-id", session_id)
    assert (await run(*arguments, DATABASE_URL=database_url))[1] == f"{session_id}\n"
    assert (await api.replay(session_id))["events"] == recording
    again = await run(*arguments, DATABASE_URL=database_url)
    assert again[0] == 0, "the same import again changes nothing"
    assert (await api.replay(session_id))["events"] == recording


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"events":{}}', '[{"type":3}]'])
async def test_what_is_no_recording_is_refused_and_leaves_nothing(
    database_url: str, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "events.json"
    file.write_text(content)
    code, _, errors = await run("import", file, "--app", "shop", DATABASE_URL=database_url)
    assert code == 1, errors
    assert "Traceback" not in errors
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sessions")
        assert cursor.fetchone() == (0,)
    connection.close()
