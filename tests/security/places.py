"""The addresses of all routes, with something in every place that a route has."""

import re
from uuid import UUID, uuid4

from spectraview.routes import ROUTES, Route

USER = "user-canary"
_PLACE = re.compile(r"\{(\w+)[^}]*\}")


def path_of(route: Route, session_id: UUID | None = None, key_id: int = 2_000_000_000) -> str:
    """Return an address of a route. A new kind of place has to be known here first."""
    values = {
        "session_id": str(session_id or uuid4()),
        "user_id": USER,
        "key_id": str(key_id),
        "path": "nothing.js",
    }
    return _PLACE.sub(lambda place: values[place[1]], route.path)


def routes_of(*scopes: str | None) -> list[Route]:
    """Return the routes with one of these scopes."""
    return [route for route in ROUTES if route.scope in scopes]
