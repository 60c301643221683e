"""What a key's rules name is masked before it is stored or shown, in whatever form it comes."""

import json
import zlib
from uuid import UUID, uuid4

import psycopg2
import pytest
import redis

from spectraview.access.api_keys import ApiKeys, new_key_text
from spectraview.storage.codec import inflate
from spectraview.storage.messages import BatchStored, decode_message
from tests.api.samples import fault_of
from tests.api.secret_events import (
    EVENTS,
    FORMS,
    LISTS,
    METADATA,
    RULES,
    SECRETS,
    TYPED_AGAIN,
    Send,
    send_array,
)
from tests.api.test_deletion import dump_postgresql, dump_valkey
from tests.api_client import ApiClient
from tests.conftest import ApiFactory


@pytest.fixture
def session_id() -> UUID:
    return uuid4()


async def make_key(api_keys: ApiKeys, *scrub: str) -> str:
    """Return a new ingest key with these rules."""
    text = new_key_text(("ingest",))
    await api_keys.create("a page", text, ("ingest",), scrub=scrub)
    return text


async def start(api: ApiClient, key: str, session_id: UUID) -> None:
    """Start a session whose metadata hold secrets."""
    body = {"sessionId": str(session_id), "appId": "shop", "metadata": METADATA}
    answer = await api.request("POST", "/api/sessions/start", body, key=key)
    assert answer.status == 200, answer


async def shown_live(api: ApiClient, session_id: UUID, key: str, send: Send) -> str:
    """Send the secrets, and return what viewers of both protocols get to see."""
    async with (
        api.watch(session_id) as plain,
        api.watch(session_id, protocol=2, encoding="deflate") as deflated,
    ):
        await send(api, session_id, key)
        seen = [await plain.next() for _ in range(len(EVENTS) + 2)]
        while not isinstance(frame := await deflated.next(), bytes):
            seen.append(frame)
    return f"{json.dumps(seen)} {frame!r} {inflated_parts(frame)!r}"


def stored(database_url: str) -> str:
    """Return all that PostgreSQL holds, also what is compressed or bytes."""
    dump = dump_postgresql(database_url)
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT event_data, codec FROM session_events")
        batches = [inflate(bytes(data), codec).decode() for data, codec in cursor.fetchall()]
        cursor.execute("SELECT marks FROM session_events WHERE marks IS NOT NULL")
        marks = [repr(bytes(mark)) + repr(inflated_parts(bytes(mark))) for (mark,) in cursor]
    connection.close()
    return "\n".join((dump, *batches, *marks))


def cached(redis_url: str) -> str:
    """Return all that Valkey holds, also what is compressed."""
    parts = [dump_valkey(redis_url)]
    with redis.Redis.from_url(redis_url) as client:
        for key in client.scan_iter():
            kind = client.type(key)
            if kind == b"list":
                parts += [part for item in client.lrange(key, 0, -1) for part in batch_parts(item)]
            elif kind == b"string":
                parts += [client.get(key) or b"", *inflated_parts(client.get(key) or b"")]
            elif kind == b"hash":
                parts += [repr(client.hgetall(key)).encode()]
    return repr(parts)


def batch_parts(item: bytes) -> list[bytes]:
    """Return the texts of a batch in the buffer."""
    message = decode_message(item)
    if not isinstance(message, BatchStored) or message.event_data is None:
        return []
    events = inflate(message.event_data, message.codec) if message.event_count else b""
    return [events, *message.custom_events, *message.errors]


def inflated_parts(data: bytes) -> list[bytes]:
    """Return what can be inflated of some bytes."""
    parts = []
    for window_bits, magic in ((31, b"\x1f\x8b"), (15, b"\x78"), (-15, b"")):
        place = data.find(magic)
        try:
            parts.append(zlib.decompressobj(window_bits).decompress(data[place:]))
        except zlib.error:
            continue
    return parts


async def answers(api: ApiClient, session_id: UUID) -> str:
    """Return all that is answered about the session."""
    addresses = ("", "/replay", "/replay/manifest")
    found = [await api.get(f"/api/sessions/{session_id}{address}") for address in addresses]
    found += [await api.get("/api/sessions?appId=shop"), await api.get("/api/sessions?q=token-of")]
    assert all(answer.status == 200 for answer in found)
    return "\n".join(json.dumps(answer.json) for answer in found)


async def everywhere(
    api: ApiClient, urls: tuple[str, str], session_id: UUID, key: str, send: Send
) -> dict[str, str]:
    """Start and send what is secret, and return all that is to be seen of it by its place."""
    await start(api, key, session_id)
    live = await shown_live(api, session_id, key, send)
    told = await answers(api, session_id)
    return {"live": live, "answers": told, "stored": stored(urls[0]), "cached": cached(urls[1])}


def secrets_in(text: str) -> set[str]:
    """Return the names of the secrets that a text tells, plain or in hexadecimal digits."""
    return {
        name
        for name, secret in SECRETS.items()
        if secret in text or secret.replace("@", "\\u0040") in text or secret.encode().hex() in text
    }


@pytest.mark.parametrize("send", FORMS)
async def test_no_secret_is_found_anywhere(
    api: ApiClient,
    api_keys: ApiKeys,
    database_url: str,
    redis_url: str,
    session_id: UUID,
    send: Send,
) -> None:
    key = await make_key(api_keys, *RULES)
    places = await everywhere(api, (database_url, redis_url), session_id, key, send)
    assert {place: secrets_in(text) for place, text in places.items() if secrets_in(text)} == {}
    replay = await api.replay(session_id)
    assert replay["events"][3]["data"]["text"] == "*" * len(SECRETS["typed"])
    assert replay["events"][0]["data"]["href"] == (
        f"https://shop.example/cart?token={'*' * len(SECRETS['href'])}#top"
    )
    assert replay["events"][4]["data"] == EVENTS[4]["data"]
    assert replay["errors"][0]["message"] == "declined: **** **** **** ****"


async def test_without_rules_all_are_found(
    api: ApiClient, database_url: str, redis_url: str, session_id: UUID
) -> None:
    key = api.keys["ingest"]
    places = await everywhere(api, (database_url, redis_url), session_id, key, send_array)
    found = {place: secrets_in(text) for place, text in places.items()}
    assert found["stored"] == found["answers"] == set(SECRETS)
    assert found["live"] == set(SECRETS) - {"page"}
    assert found["cached"] >= set(SECRETS) - {"page"}


async def test_the_server_s_rules_hold_for_every_key(
    make_api: ApiFactory, database_url: str, redis_url: str, session_id: UUID
) -> None:
    api = await make_api(scrub="inputs, cards,emails,tokens")
    key = api.keys["admin"]
    places = await everywhere(api, (database_url, redis_url), session_id, key, send_array)
    assert {place: secrets_in(text) for place, text in places.items() if secrets_in(text)} == {}


async def test_each_rule_masks_its_own(api: ApiClient, api_keys: ApiKeys) -> None:
    masked = {
        "inputs": {"typed", "value", "changed"},
        "cards": {"card"},
        "emails": {"email"},
        "tokens": {"href", "stack", "member"},
    }
    for rule, names in masked.items():
        session_id = await api.start()
        await send_array(api, session_id, await make_key(api_keys, rule))
        told = secrets_in(json.dumps(await api.replay(session_id)))
        assert told == set(SECRETS) - names - {"page"}


async def test_a_batch_that_comes_again_is_known_by_what_was_sent(
    api: ApiClient, api_keys: ApiKeys
) -> None:
    key = await make_key(api_keys, *RULES)
    session_id = await api.start()
    body = {"events": EVENTS, **LISTS}
    assert (await api.post_events(session_id, body, key=key)).json.get("duplicate") is None
    assert (await api.post_events(session_id, body, key=key)).json["duplicate"] is True
    named = {**body, "metadata": {"batchId": "7"}}
    assert (await api.post_events(session_id, named, key=key)).status == 200
    other = {**named, "events": [TYPED_AGAIN]}
    conflict = await api.post_events(session_id, other, key=key)
    assert fault_of(conflict)[:2] == (409, "idempotency_conflict")


async def test_more_than_can_be_looked_at_is_refused(api: ApiClient, api_keys: ApiKeys) -> None:
    key = await make_key(api_keys, "emails")
    session_id = await api.start()
    data = "a@b.cc " * 150_000
    body = {"events": [{"type": 5, "data": data, "timestamp": 1}]}
    answer = await api.post_events(session_id, body, key=key)
    assert fault_of(answer)[:2] == (413, "too_much_to_scrub")
    assert (await api.post_events(session_id, body)).status == 200
