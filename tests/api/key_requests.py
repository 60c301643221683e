"""Requests about API keys."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api_client import Answer, ApiClient

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
LATER = (datetime.now(UTC) + timedelta(days=2)).isoformat()
Act = Callable[..., Awaitable[Answer]]


async def made(keys: Act, key: str = "admin", **members: Any) -> Any:
    """Make a key and return what is answered."""
    body = {"name": "a test's", "scopes": ["read"]} | members
    answer = await keys("POST", "", body, key=key)
    assert answer.status == 201, answer
    return answer.json


async def status_with(api: ApiClient, key: str, path: str = "/api/sessions?limit=1") -> int:
    """Return the status of a read with a key."""
    return (await api.get(path, key=key)).status
