-- The contract's tables. Events are kept a row per batch, in partitions by the day the server created their session.

CREATE TABLE sessions (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  app_id VARCHAR(50) NOT NULL,
  user_id VARCHAR(100),
  ticket_id VARCHAR(100),

  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  ended_at TIMESTAMPTZ,
  last_activity TIMESTAMPTZ NOT NULL DEFAULT now(),

  -- json, not jsonb: jsonb refuses \u0000 and lone surrogates, which real pages send.
  metadata JSON NOT NULL DEFAULT '{}',
  page_url TEXT,

  -- Counted from the stored events; what the client reports stands beside it and can only raise the answer.
  event_count INTEGER NOT NULL DEFAULT 0,
  custom_event_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  click_count INTEGER NOT NULL DEFAULT 0,
  reported_event_count INTEGER NOT NULL DEFAULT 0,
  reported_error_count INTEGER NOT NULL DEFAULT 0,
  reported_click_count INTEGER NOT NULL DEFAULT 0,
  duration_seconds INTEGER,

  ttl_hours INTEGER NOT NULL DEFAULT 72,
  expires_at TIMESTAMPTZ NOT NULL DEFAULT now() + INTERVAL '72 hours',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),

  -- The partition of its events. By the server's clock: client clocks lie.
  day DATE NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  -- False while only events have come: a start that comes late still fills in its fields.
  start_received BOOLEAN NOT NULL DEFAULT false,
  -- The unit of its client's clock, in which it is answered.
  milliseconds BOOLEAN NOT NULL DEFAULT true,
  ended_by VARCHAR(10) CHECK (ended_by IN ('client', 'idle')),
  first_timestamp BIGINT,
  last_timestamp BIGINT,

  -- Where its stream stands: the next event's sequence, the batches stored, the newest Meta and the newest keyframe.
  next_sequence INTEGER NOT NULL DEFAULT 0,
  batch_count INTEGER NOT NULL DEFAULT 0,
  meta_sequence INTEGER,
  keyframe_sequence INTEGER,

  UNIQUE (id, day)
) WITH (fillfactor = 70);

-- No index holds a column that every batch changes: those updates stay heap-only.
CREATE INDEX idx_sessions_app_user ON sessions (app_id, user_id);
CREATE INDEX idx_sessions_ticket ON sessions (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX idx_sessions_expires ON sessions (expires_at);
CREATE INDEX idx_sessions_created ON sessions (created_at DESC, id DESC);
CREATE INDEX idx_sessions_app_created ON sessions (app_id, created_at DESC, id DESC);
CREATE INDEX idx_sessions_live ON sessions (created_at) WHERE ended_at IS NULL;

CREATE TABLE session_events (
  day DATE NOT NULL,
  session_id UUID NOT NULL,
  sequence_number INTEGER NOT NULL,
  batch_number INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  custom_event_count INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  first_timestamp BIGINT NOT NULL,
  last_timestamp BIGINT NOT NULL,
  size_bytes INTEGER NOT NULL,
  codec VARCHAR(10) NOT NULL,
  event_data BYTEA NOT NULL,
  event_types INTEGER[] NOT NULL,
  keyframe_sequences INTEGER[] NOT NULL,
  keyframe_timestamps BIGINT[] NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),

  PRIMARY KEY (session_id, sequence_number, batch_number, day),
  FOREIGN KEY (session_id, day) REFERENCES sessions (id, day) ON DELETE CASCADE
) PARTITION BY RANGE (day);

-- The data come compressed: no second attempt at it.
ALTER TABLE session_events ALTER COLUMN event_data SET STORAGE EXTERNAL;

-- Whole objects as the client sent them, in event_data and metadata.
CREATE TABLE custom_events (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  batch_number INTEGER NOT NULL,
  event_type VARCHAR(50) NOT NULL,
  event_data JSON NOT NULL,
  timestamp BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_custom_events_session ON custom_events (session_id, batch_number, id);
CREATE INDEX idx_custom_events_type ON custom_events (event_type, session_id);

CREATE TABLE session_errors (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  batch_number INTEGER NOT NULL,
  error_type VARCHAR(50) NOT NULL,
  message TEXT,
  stack TEXT,
  timestamp BIGINT NOT NULL,
  metadata JSON NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_errors_session ON session_errors (session_id, batch_number, id);
CREATE INDEX idx_errors_type ON session_errors (error_type);

CREATE TABLE ingest_batches (
  session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  batch_key BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  first_sequence INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  batch_number INTEGER NOT NULL,
  PRIMARY KEY (session_id, batch_key)
);

CREATE TABLE api_keys (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  key_hash BYTEA NOT NULL UNIQUE,
  app_id VARCHAR(50),
  scopes TEXT[] NOT NULL,
  origins TEXT[] NOT NULL DEFAULT '{}',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  revoked_at TIMESTAMPTZ
);

CREATE MATERIALIZED VIEW session_analytics AS
SELECT
  app_id,
  (started_at AT TIME ZONE 'UTC')::date AS date,
  COUNT(*) AS total_sessions,
  COUNT(DISTINCT user_id) AS unique_users,
  AVG(duration_seconds) AS avg_duration,
  SUM(GREATEST(error_count, reported_error_count)) AS total_errors,
  SUM(GREATEST(click_count, reported_click_count)) AS total_clicks,
  AVG(GREATEST(event_count, reported_event_count)) AS avg_events_per_session
FROM sessions
WHERE started_at >= now() - INTERVAL '30 days'
GROUP BY app_id, (started_at AT TIME ZONE 'UTC')::date;

CREATE UNIQUE INDEX idx_analytics_app_date ON session_analytics (app_id, date DESC);

-- Makes the missing partitions from today to some days ahead (UTC); returns how many it made.
CREATE FUNCTION create_event_partitions(days_ahead INTEGER) RETURNS INTEGER
LANGUAGE plpgsql AS $$
DECLARE
  today CONSTANT DATE := (now() AT TIME ZONE 'UTC')::date;
  partition_day DATE;
  partition_name TEXT;
  created INTEGER := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('create_event_partitions'));
  FOR partition_day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    partition_name := 'session_events_' || to_char(partition_day, 'YYYY_MM_DD');
    IF to_regclass(partition_name) IS NULL THEN
      -- In the order of a group commit, sessions first: else the two would deadlock.
      LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE;
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF session_events FOR VALUES FROM (%L) TO (%L)',
        partition_name, partition_day, partition_day + 1
      );
      created := created + 1;
    END IF;
  END LOOP;
  RETURN created;
END
$$;

SELECT create_event_partitions(3);
