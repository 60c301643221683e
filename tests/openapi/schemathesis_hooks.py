"""What schemathesis has to know of this API beyond its document; it loads this file itself."""

import atexit
import base64
import gzip
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext, Response
from schemathesis.transport import SerializationContext

from tests.openapi.fuzzed_service import SPARED_USER

_SESSIONS = os.environ["SPECTRAVIEW_FUZZED_SESSIONS"].split(",")
"""Sessions that have recordings; most requests go to these."""
_OWN_KEYS = tuple(range(10)) + tuple(map(str, range(10)))
"""The keys that the requests are made with: no request may take them away."""
_KEYS = [str(number) for number in range(10, 26)]
_NAMESPACE = UUID("5d3c7a52-6a3c-4d0e-9d2c-0f3c6f1f2a11")

_answers: Counter[str] = Counter()
_events = st.fixed_dictionaries({"type": st.integers(0, 6), "timestamp": st.integers(0, 2**41)})


def _deflated(events: list[Any]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(events).encode())).decode()


def _packed(event: dict[str, Any]) -> str:
    return zlib.compress(json.dumps({**event, "v": "v1"}).encode()).decode("latin-1")


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


schemathesis.openapi.format("deflated-events", st.lists(_events, max_size=3).map(_deflated))
schemathesis.openapi.format("rrweb-packed", _events.map(_packed))
schemathesis.openapi.format("entry-cursor", st.integers(0, 2**40).map(str).map(_cursor))
schemathesis.openapi.format(
    "session-cursor",
    st.tuples(st.datetimes(), st.uuids(), st.integers(0, 10**6)).map(
        lambda place: _cursor(f"{place[0].isoformat()}+00:00 {place[1]} {place[2]} 0")
    ),
)


@schemathesis.serializer("application/json", "text/plain")
def as_json(context: SerializationContext, value: Any) -> bytes:
    """Write the JSON of a body, compressed as the case's Content-Encoding says."""
    text = value if isinstance(value, bytes) else json.dumps(_without_fractions(value)).encode()
    encoding = context.case.headers.get("Content-Encoding")
    if encoding == "gzip":
        return gzip.compress(text)
    return zlib.compress(text) if encoding == "deflate" else text


def _without_fractions(value: Any) -> Any:
    """Return the value with its whole numbers as integers: the API takes no `1.0` for them."""
    if isinstance(value, dict):
        return {name: _without_fractions(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_fractions(item) for item in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Mend what a document can't tell to be wrong, and send most requests to what there is."""
    place = case.path_parameters
    if case.method == "DELETE":
        _spare(place)
    elif _is_uuid(place.get("session_id")):
        place["session_id"] = _known(place["session_id"], _SESSIONS)
    if place.get("key_id", "") is None or str(place.get("key_id")).isdigit():
        place["key_id"] = _known(place["key_id"], _KEYS)
    if isinstance(case.body, dict):
        if case.path.endswith("/start") and case.body.get("appId") in (None, ""):
            case.body["appId"] = "shop"
        _mend_body(case.body, place.get("session_id"))
        if "batches" in case.body:  # comes first
            case.body = {"batches": case.body["batches"]} | case.body
    _mend_range(case.query)
    if case.headers.get("Content-Encoding") == "":
        del case.headers["Content-Encoding"]  # as good as none


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Count the answers."""
    _answers[f"{response.status_code} {case.method} {case.path}"] += 1


def _spare(place: dict[str, Any]) -> None:
    """Let nothing be deleted that the other requests go to."""
    if place.get("session_id") in _SESSIONS:
        place["session_id"] = str(uuid5(_NAMESPACE, place["session_id"]))
    if place.get("user_id") == SPARED_USER:
        place["user_id"] = "nobody"


def _mend_body(body: dict[str, Any], session_id: str | None) -> None:
    batches = body.get("batches")
    for batch in (body, *(batches if isinstance(batches, list) else ())):
        if isinstance(batch, dict):
            _mend_batch(batch, session_id)
    if isinstance(body.get("expiresAt"), str) and re.match(r"[0-9]{4}-.*[0-9]", body["expiresAt"]):
        body["expiresAt"] = "2100-01-01T00:00:00Z"


def _mend_batch(batch: dict[str, Any], session_id: str | None) -> None:
    if session_id and _is_uuid(batch.get("sessionId")):
        batch["sessionId"] = session_id
    events = batch.get("events")
    if isinstance(events, dict) and isinstance(events.get("compressed"), bool):
        events["compressed"] = isinstance(events.get("data"), str)


def _mend_range(query: dict[str, Any]) -> None:
    for first, last in (("from", "to"), ("afterSequence", "toSequence")):
        ends = (query.get(first), query.get(last))
        if all(re.fullmatch("-?[0-9]+", str(end)) for end in ends):
            query[first], query[last] = sorted(ends, key=lambda end: int(str(end)))


def _known(name: object, known: Sequence[str]) -> Any:
    """Return one that there is for three names of four, always the same for the same."""
    choice = uuid5(_NAMESPACE, str(name)).int
    return name if choice % 4 == 0 and name not in _OWN_KEYS else known[choice % len(known)]


def _is_uuid(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


@atexit.register
def _tell_answers() -> None:
    file = os.environ.get("SPECTRAVIEW_FUZZED_ANSWERS")
    if file:
        Path(file).write_text(json.dumps(_answers))
