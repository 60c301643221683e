"""The tables that the API's specification gives, a row for each event, and recordings in them."""

import json
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from bench.recordings import Event, Recording

TABLES = ("sessions", "session_events", "custom_events", "session_errors")

SCHEMA = """
CREATE TABLE sessions (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  app_id VARCHAR(50) NOT NULL,
  user_id VARCHAR(100),
  ticket_id VARCHAR(100),
  started_at TIMESTAMPTZ DEFAULT now(),
  ended_at TIMESTAMPTZ,
  last_activity TIMESTAMPTZ DEFAULT now(),
  metadata JSONB DEFAULT '{}',
  event_count INTEGER DEFAULT 0,
  error_count INTEGER DEFAULT 0,
  click_count INTEGER DEFAULT 0,
  duration_seconds INTEGER,
  ttl_hours INTEGER DEFAULT 72,
  expires_at TIMESTAMPTZ DEFAULT now() + INTERVAL '72 hours',
  created_at TIMESTAMPTZ DEFAULT now(),
  updated_at TIMESTAMPTZ DEFAULT now()
);
CREATE INDEX idx_sessions_app_user ON sessions (app_id, user_id);
CREATE INDEX idx_sessions_ticket ON sessions (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX idx_sessions_expires ON sessions (expires_at);
CREATE INDEX idx_sessions_created ON sessions (created_at DESC);

CREATE TABLE session_events (
  id BIGSERIAL PRIMARY KEY,
  session_id UUID REFERENCES sessions (id) ON DELETE CASCADE,
  event_type INTEGER NOT NULL,
  event_data JSONB NOT NULL,
  timestamp BIGINT NOT NULL,
  sequence_number INTEGER NOT NULL,
  size_bytes INTEGER,
  created_at TIMESTAMPTZ DEFAULT now()
);
CREATE INDEX idx_events_session_seq ON session_events (session_id, sequence_number);
CREATE INDEX idx_events_session_time ON session_events (session_id, timestamp);

CREATE TABLE custom_events (
  id BIGSERIAL PRIMARY KEY,
  session_id UUID REFERENCES sessions (id) ON DELETE CASCADE,
  event_type VARCHAR(50) NOT NULL,
  event_data JSONB NOT NULL,
  timestamp BIGINT NOT NULL,
  created_at TIMESTAMPTZ DEFAULT now()
);
CREATE INDEX idx_custom_events_session ON custom_events (session_id, timestamp);
CREATE INDEX idx_custom_events_type ON custom_events (event_type);

CREATE TABLE session_errors (
  id BIGSERIAL PRIMARY KEY,
  session_id UUID REFERENCES sessions (id) ON DELETE CASCADE,
  error_type VARCHAR(50) NOT NULL,
  message TEXT,
  stack TEXT,
  timestamp BIGINT NOT NULL,
  metadata JSONB,
  created_at TIMESTAMPTZ DEFAULT now()
);
CREATE INDEX idx_errors_session ON session_errors (session_id);
CREATE INDEX idx_errors_type ON session_errors (error_type);
"""

_INSERT = (
    "INSERT INTO session_events (session_id, event_type, event_data, timestamp, sequence_number)"
    " VALUES %s"
)
_COPY = (
    "INSERT INTO session_events (session_id, event_type, event_data, timestamp, sequence_number)"
    " SELECT %s, event_type, event_data, timestamp, sequence_number"
    " FROM session_events WHERE session_id = %s ORDER BY id"
)


def store_recordings(cursor: Cursor, recordings: Sequence[Recording], copies: int) -> None:
    """Make the tables and store each recording in so many sessions."""
    cursor.execute(SCHEMA)
    for recording in recordings:
        first = _store_session(cursor, recording)
        execute_values(cursor, _INSERT, _rows(first, recording.events), page_size=50)
        for _ in range(copies - 1):
            cursor.execute(_COPY, (str(_store_session(cursor, recording)), str(first)))


def _store_session(cursor: Cursor, recording: Recording) -> UUID:
    session_id = uuid4()
    cursor.execute(
        "INSERT INTO sessions (id, app_id, user_id, event_count) VALUES (%s, %s, %s, %s)",
        (str(session_id), "bench", "bench", len(recording.events)),
    )
    return session_id


def _rows(session_id: UUID, events: Sequence[Event]) -> Iterator[tuple[object, ...]]:
    for number, event in enumerate(events):
        yield str(session_id), event["type"], json.dumps(event), event["timestamp"], number
