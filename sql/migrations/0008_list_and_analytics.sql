-- What keeps the list fast however it is narrowed, and the analytics. Counts that every batch may change are in no
-- index: indexes hold their level, which changes a few times in a session's life, so that updates stay heap-only.

CREATE FUNCTION error_level(errors INTEGER) RETURNS SMALLINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT width_bucket(errors, ARRAY[1, 3, 10, 30, 100, 300, 1000, 3000, 10000])::smallint
$$;

CREATE FUNCTION duration_level(seconds INTEGER) RETURNS SMALLINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT width_bucket(
    seconds,
    ARRAY[
      1, 2, 3, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 14400,
      28800, 86400
    ]
  )::smallint
$$;

-- The seconds from a session's start to its last event, 0 while there is none.
CREATE FUNCTION duration_so_far(started_at TIMESTAMPTZ, last_timestamp BIGINT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT GREATEST(
    round(
      last_timestamp / CASE WHEN last_timestamp < 100000000000 THEN 1.0 ELSE 1000.0 END - extract(epoch FROM started_at)
    ),
    0
  )
$$;

ALTER TABLE sessions
  ADD COLUMN error_level SMALLINT NOT NULL
    GENERATED ALWAYS AS (error_level(GREATEST(error_count, reported_error_count))) STORED,
  ADD COLUMN duration_level SMALLINT
    GENERATED ALWAYS AS (duration_level(duration_seconds)) STORED,
  -- The client's clock is not the server's: a span of the one says nothing about the other.
  ADD COLUMN odd_clock BOOLEAN NOT NULL
    GENERATED ALWAYS AS (NOT (started_at - created_at BETWEEN INTERVAL '-1 hour' AND INTERVAL '1 hour')) STORED;

-- In the order of the list, with what a count has to know, so that it need not look at the rows.
DROP INDEX idx_sessions_created, idx_sessions_app_created;
CREATE INDEX idx_sessions_created ON sessions (created_at DESC, id DESC) INCLUDE (expires_at);
CREATE INDEX idx_sessions_app_created ON sessions (app_id, created_at DESC, id DESC) INCLUDE (expires_at);
CREATE INDEX idx_sessions_user_created ON sessions (user_id, created_at DESC, id DESC) INCLUDE (expires_at, app_id)
WHERE user_id IS NOT NULL;
CREATE INDEX idx_sessions_with_errors ON sessions (created_at DESC, id DESC) INCLUDE (expires_at, app_id)
WHERE error_level > 0;
CREATE INDEX idx_sessions_with_rage_clicks ON sessions (created_at DESC, id DESC) INCLUDE (expires_at, app_id)
WHERE rage_click_count > 0;
CREATE INDEX idx_sessions_with_dead_clicks ON sessions (created_at DESC, id DESC) INCLUDE (expires_at, app_id)
WHERE dead_click_count > 0;
CREATE INDEX idx_sessions_odd_clock ON sessions (created_at DESC, id DESC) WHERE odd_clock;
CREATE INDEX idx_sessions_error_level ON sessions (error_level) WHERE error_level > 1;
CREATE INDEX idx_sessions_duration_level ON sessions (duration_level);

-- Without pg_trgm, which some servers have not or do not give away, a search looks through the sessions step by step.
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION
  WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    RAISE NOTICE 'searches stay slow: %', SQLERRM;
END
$$;

-- Makes the indexes of searches where pg_trgm is there; returns whether it is. Their lists of what waits are short:
-- whoever inserts the row that fills one works it off.
CREATE FUNCTION create_search_indexes() RETURNS BOOLEAN
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
    RETURN false;
  END IF;
  CREATE INDEX IF NOT EXISTS idx_sessions_page ON sessions USING gin (page_url gin_trgm_ops)
  WITH (gin_pending_list_limit = 256);
  CREATE INDEX IF NOT EXISTS idx_sessions_names ON sessions USING gin (
    (COALESCE(user_id, '') || E'\n' || COALESCE(ticket_id, '')) gin_trgm_ops
  ) WITH (gin_pending_list_limit = 256);
  RETURN true;
END
$$;
SELECT create_search_indexes();

-- Which sessions have custom events of a type, in the order of the list: a row for each session and type, however many
-- events there are.
CREATE TABLE custom_event_sessions (
  day DATE NOT NULL,
  event_type VARCHAR(50) NOT NULL,
  session_created_at TIMESTAMPTZ NOT NULL,
  session_id UUID NOT NULL,
  PRIMARY KEY (event_type, session_created_at, session_id, day)
) PARTITION BY RANGE (day);

CREATE OR REPLACE FUNCTION day_tables() RETURNS TEXT[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[
    'session_events', 'session_segments', 'custom_events', 'session_errors', 'ingest_batches', 'custom_event_sessions'
  ]
$$;

-- As before, but of all tables with a partition for each day. From custom_event_sessions by its key: it has no other.
CREATE OR REPLACE FUNCTION delete_sessions(session_ids UUID[]) RETURNS INTEGER
LANGUAGE plpgsql AS $$
DECLARE
  found UUID[];
  days DATE[];
BEGIN
  SELECT array_agg(id), array_agg(DISTINCT day)
  INTO found, days
  FROM (SELECT id, day FROM sessions WHERE id = ANY(session_ids) ORDER BY id FOR UPDATE) AS locked;
  DELETE FROM custom_event_sessions l
  USING (
    SELECT DISTINCT c.event_type, s.created_at, s.id, s.day
    FROM sessions s
    JOIN custom_events c ON c.session_id = s.id AND c.day = s.day
    WHERE s.id = ANY(found) AND c.day = ANY(days)
  ) AS gone
  WHERE l.event_type = gone.event_type
    AND l.session_created_at = gone.created_at
    AND l.session_id = gone.id
    AND l.day = gone.day;
  DELETE FROM session_events WHERE session_id = ANY(found) AND day = ANY(days);
  DELETE FROM session_segments WHERE session_id = ANY(found) AND day = ANY(days);
  DELETE FROM custom_events WHERE session_id = ANY(found) AND day = ANY(days);
  DELETE FROM session_errors WHERE session_id = ANY(found) AND day = ANY(days);
  DELETE FROM ingest_batches WHERE session_id = ANY(found) AND day = ANY(days);
  DELETE FROM sessions WHERE id = ANY(found);
  RETURN COALESCE(cardinality(found), 0);
END
$$;

SELECT create_day_partitions(to_date(right(inhrelid::regclass::text, 10), 'YYYY_MM_DD'))
FROM pg_inherits
WHERE inhparent = 'session_events'::regclass;

INSERT INTO custom_event_sessions (day, event_type, session_created_at, session_id)
SELECT DISTINCT c.day, c.event_type, s.created_at, s.id
FROM custom_events c
JOIN sessions s ON s.id = c.session_id;

-- Rows come in the order of their times: a summary of each range of blocks is index enough, and costs nearly nothing.
CREATE INDEX idx_custom_events_created ON custom_events USING brin (created_at);
CREATE INDEX idx_errors_created ON session_errors USING brin (created_at);

DROP MATERIALIZED VIEW session_analytics;
CREATE MATERIALIZED VIEW session_analytics AS
SELECT
  app_id,
  (started_at AT TIME ZONE 'UTC')::date AS date,
  COUNT(*) AS total_sessions,
  COUNT(DISTINCT user_id) AS unique_users,
  AVG(duration_seconds) AS avg_duration,
  SUM(GREATEST(error_count, reported_error_count)) AS total_errors,
  SUM(GREATEST(click_count, reported_click_count)) AS total_clicks,
  AVG(GREATEST(event_count, reported_event_count)) AS avg_events_per_session,
  COUNT(*) FILTER (WHERE error_level > 0) AS sessions_with_errors,
  SUM(rage_click_count) AS total_rage_clicks,
  SUM(dead_click_count) AS total_dead_clicks
FROM sessions
WHERE started_at >= now() - INTERVAL '30 days'
GROUP BY app_id, (started_at AT TIME ZONE 'UTC')::date;

CREATE UNIQUE INDEX idx_analytics_app_date ON session_analytics (app_id, date DESC);

-- When the view was refreshed: one row.
CREATE TABLE analytics_refreshes (
  only_row BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
  refreshed_at TIMESTAMPTZ NOT NULL
);
INSERT INTO analytics_refreshes (refreshed_at) VALUES ('-infinity');

-- Refreshes the view if that is due and nobody else is at it; returns whether it did.
CREATE FUNCTION refresh_analytics(interval_seconds DOUBLE PRECISION) RETURNS BOOLEAN
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('refresh_analytics')) THEN
    RETURN false;
  END IF;
  PERFORM 1 FROM analytics_refreshes
  WHERE refreshed_at <= clock_timestamp() - make_interval(secs => interval_seconds);
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  REFRESH MATERIALIZED VIEW CONCURRENTLY session_analytics;
  UPDATE analytics_refreshes SET refreshed_at = now();
  RETURN true;
END
$$;
