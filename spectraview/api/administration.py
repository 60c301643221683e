"""What was done by whom, and what all administrative handlers need."""

import base64
from collections.abc import Sequence

from aiohttp import web

from spectraview.api.present_keys import audit_json
from spectraview.api.requests import app_id_of, int_parameter, text_parameter, time_parameter
from spectraview.api.responses import json_response
from spectraview.errors import InvalidParameter
from spectraview.keys import API_KEY, AUDIT_LOG
from spectraview.storage.audit import Actor, AuditFilter

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 500


async def list_audit(request: web.Request) -> web.Response:
    """Answer a page of what was done, the latest first."""
    limit, before = page_of(request)
    wanted = AuditFilter(
        app_id=app_id_of(request),
        action=text_parameter(request, "action"),
        key_id=int_parameter(request, "keyId"),
        since=time_parameter(request, "from"),
        until=time_parameter(request, "to", end_of_day=True),
    )
    entries = await request.app[AUDIT_LOG].list_entries(wanted, before=before, limit=limit)
    last = entries[-1].entry_id if len(entries) == limit else None
    return page_response("entries", [audit_json(entry) for entry in entries], last)


def actor_of(request: web.Request) -> Actor:
    """Return who acts by a request."""
    return Actor(request[API_KEY].key_id)


def page_of(request: web.Request) -> tuple[int, int | None]:
    """Return how many entries a page is to have, and the number that it goes on from."""
    limit = int_parameter(request, "limit", least=1, most=_LARGEST_PAGE) or _DEFAULT_PAGE
    text = text_parameter(request, "cursor")
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
