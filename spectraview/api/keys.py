"""API keys over the API: an admin key that is bound to an app sees and makes that app's keys."""

import re

from aiohttp import web

from spectraview.access.bounds import exceeded_member, within_bounds
from spectraview.access.key import ApiKey, new_key_text
from spectraview.access.key_store import KeySettings, KnownKey, settings_of
from spectraview.api.administration import actor_of, page_of, page_response
from spectraview.api.key_bodies import (
    changed_settings,
    member_names,
    parse_key_change,
    parse_new_key,
    parse_rotation,
)
from spectraview.api.present_keys import key_json
from spectraview.api.requests import app_id_of, read_body
from spectraview.api.responses import json_response
from spectraview.errors import InvalidParameter, KeyExceedsOwn, KeyRevoked
from spectraview.keys import API_KEY, API_KEYS

_NUMBER = re.compile(r"[0-9]{1,10}")
_LARGEST_ID = 2_147_483_647


async def list_keys(request: web.Request) -> web.Response:
    """Answer a page of keys, in the order of their making."""
    limit, after = page_of(request)
    store = request.app[API_KEYS].store
    found = await store.list_keys(app_id_of(request), after=after or 0, limit=limit)
    last = found[-1].key.key_id if len(found) == limit else None
    return page_response("keys", [key_json(known) for known in found], last)


async def get_key(request: web.Request) -> web.Response:
    """Answer one key."""
    return json_response(key_json(await _key_of(request)))


async def create_key(request: web.Request) -> web.Response:
    """Make a key; its text is in the answer, and nowhere else."""
    wanted = parse_new_key(await read_body(request))
    settings = within_bounds(request[API_KEY], wanted)
    _check_bounds(request[API_KEY], settings)
    text = new_key_text(settings.scopes)
    store = request.app[API_KEYS].store
    key_id = await store.create(text, settings, actor_of(request))
    assert key_id is not None, "its text is new"
    known = await store.get(key_id)
    return _with_text(known, text, status=201)


async def change_key(request: web.Request) -> web.Response:
    """Change what is set of a key."""
    changes = parse_key_change(await read_body(request))
    key = _in_use((await _key_of(request)).key)
    settings = changed_settings(settings_of(key), changes)
    _check_bounds(request[API_KEY], settings)
    api_keys = request.app[API_KEYS]
    await api_keys.store.change(key.key_id, settings, member_names(changes), actor_of(request))
    api_keys.forget(key.key_id)
    return json_response(key_json(await api_keys.store.get(key.key_id)))


async def rotate_key(request: web.Request) -> web.Response:
    """Give a key a new text; the old one goes on for a while."""
    overlap = parse_rotation(await read_body(request))
    key = _in_use((await _key_of(request)).key)
    _check_bounds(request[API_KEY], settings_of(key))  # its text is about to be told
    text = new_key_text(settings_of(key).scopes)
    api_keys = request.app[API_KEYS]
    await api_keys.store.rotate(key.key_id, text, overlap, actor_of(request))
    api_keys.forget(key.key_id)
    return _with_text(await api_keys.store.get(key.key_id), text)


async def revoke_key(request: web.Request) -> web.Response:
    """Revoke a key; again is the same as once."""
    key_id = (await _key_of(request)).key.key_id
    api_keys = request.app[API_KEYS]
    await api_keys.store.revoke(key_id, actor_of(request))
    api_keys.forget(key_id)
    return json_response({"success": True, "id": key_id})


async def _key_of(request: web.Request) -> KnownKey:
    """Return the key of the address. Raises KeyNotFound, also for one of another app."""
    text = request.match_info["key_id"]
    if not _NUMBER.fullmatch(text) or int(text) > _LARGEST_ID:
        raise InvalidParameter("The number of a key is expected", where="keyId")
    return await request.app[API_KEYS].store.get(int(text), app_id_of(request))


def _in_use(key: ApiKey) -> ApiKey:
    if key.revoked_at is not None:
        raise KeyRevoked
    return key


def _check_bounds(maker: ApiKey, settings: KeySettings) -> None:
    member = exceeded_member(maker, settings)
    if member is not None:
        raise KeyExceedsOwn(where=member)


def _with_text(known: KnownKey, text: str, *, status: int = 200) -> web.Response:
    response = json_response({"key": text, **key_json(known)}, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response
