"""The contract's own sample bodies get the contract's answers, field by field."""

from uuid import uuid4

import pytest

from tests.api_client import ApiClient
from tests.recordings import load_recording, recording_names

START = {
    "userId": "user-123",
    "appId": "yalo-pos",
    "startTime": 1234567890,
    "metadata": {
        "url": "https://app.example.com",
        "referrer": "https://google.com",
        "userAgent": "Mozilla/5.0...",
        "screen": {"width": 1920, "height": 1080, "colorDepth": 24},
        "viewport": {"width": 1200, "height": 800},
        "language": "es-MX",
        "platform": "Win32",
    },
}


async def test_start_answers_as_the_contract_says(api: ApiClient) -> None:
    session_id = str(uuid4())
    answer = await api.request("POST", "/api/sessions/start", START | {"sessionId": session_id})
    assert answer.status == 200
    assert answer.json == {"success": True, "sessionId": session_id, "message": "Session started"}


@pytest.mark.parametrize("name", recording_names())
async def test_a_recording_comes_back_as_it_went_in(api: ApiClient, name: str) -> None:
    events = load_recording(name)
    session_id = await api.start()
    await api.upload(session_id, events)
    replay = await api.replay(session_id)
    assert replay["sessionId"] == str(session_id)
    assert replay["events"] == events


async def test_events_are_counted_in_the_receipt(api: ApiClient) -> None:
    session_id = await api.start()
    answer = await api.send(
        session_id,
        load_recording("todo-small")[:50],
        customEvents=[
            {
                "type": "custom",
                "eventType": "checkout_started",
                "data": {"value": 99.99},
                "timestamp": 1234567890,
            }
        ],
        errors=[
            {
                "type": "javascript_error",
                "message": "Cannot read property...",
                "stack": "...",
                "timestamp": 1234567890,
            }
        ],
    )
    assert answer.json["success"] is True
    assert answer.json["received"] == {"events": 50, "customEvents": 1, "errors": 1}
