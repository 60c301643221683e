"""What was done by whom, and what all administrative handlers need."""

import base64
from collections.abc import Sequence

from aiohttp import web

from spectraview.api.parameters import Moment, Text, Whole
from spectraview.api.present_keys import audit_json
from spectraview.api.requests import app_id_of
from spectraview.api.responses import json_response
from spectraview.errors import InvalidParameter
from spectraview.keys import API_KEY, AUDIT_LOG, REQUEST
from spectraview.storage.audit import Actor, AuditFilter

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 500

_ACTION = Text("action", "Only what was done of this kind, such as `create_key`.")
_KEY_ID = Whole("keyId", "Only what was done with this key or to it.")
_FROM = Moment("from", "Only what was done then or later.")
_TO = Moment("to", "Only what was done then or earlier; a date includes that day.", True)
_LIMIT = Whole("limit", "Entries of a page.", 1, _LARGEST_PAGE)
_CURSOR = Text("cursor", "The `cursor` of the last answer: the next page.", "entry-cursor")
PAGE_PARAMETERS = (_LIMIT, _CURSOR)
AUDIT_PARAMETERS = (_ACTION, _KEY_ID, _FROM, _TO, *PAGE_PARAMETERS)


async def list_audit(request: web.Request) -> web.Response:
    """Answer a page of what was done, the latest first."""
    limit, before = page_of(request)
    wanted = AuditFilter(
        app_id=app_id_of(request),
        action=_ACTION.of(request),
        key_id=_KEY_ID.of(request),
        since=_FROM.of(request),
        until=_TO.of(request),
    )
    entries = await request.app[AUDIT_LOG].list_entries(wanted, before=before, limit=limit)
    last = entries[-1].entry_id if len(entries) == limit else None
    return page_response("entries", [audit_json(entry) for entry in entries], last)


def actor_of(request: web.Request) -> Actor:
    """Return who acts by a request."""
    return Actor(request[API_KEY].key_id, request[REQUEST])


def page_of(request: web.Request) -> tuple[int, int | None]:
    """Return how many entries a page is to have, and the number that it goes on from."""
    limit = _LIMIT.of(request) or _DEFAULT_PAGE
    text = _CURSOR.of(request)
    if text is None:
        return limit, None
    try:
        number = int(base64.urlsafe_b64decode(text).decode("ascii"))
        if not 0 <= number < 2**63:
            raise ValueError
    except ValueError as error:
        raise InvalidParameter("cursor is not one that a list returned", where="cursor") from error
    return limit, number


def page_response(name: str, entries: Sequence[object], last: int | None) -> web.Response:
    """Answer with a page; `last` is the number that the next one goes on from, None if there is
    none.
    """
    answer: dict[str, object] = {name: entries}
    if last is not None:
        answer["cursor"] = base64.urlsafe_b64encode(str(last).encode()).decode()
    return json_response(answer)
