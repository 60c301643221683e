-- Retention: lives of their own for apps and keys, whole days that go at once, and what is kept of sessions that are gone.

ALTER TABLE api_keys ADD COLUMN ttl_hours INTEGER CHECK (ttl_hours > 0);

CREATE TABLE app_settings (
  app_id VARCHAR(50) PRIMARY KEY,
  ttl_hours INTEGER NOT NULL CHECK (ttl_hours > 0),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- How long a session lives: what its start or its key says, else what its app is set to, else the default.
CREATE FUNCTION session_ttl(asked INTEGER, app TEXT, otherwise INTEGER) RETURNS INTEGER
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(asked, (SELECT ttl_hours FROM app_settings WHERE app_id = app), otherwise)
$$;

-- What was known of expired sessions, where it is to be kept (SPECTRAVIEW_KEEP_EXPIRED); none of their events.
CREATE TABLE sessions_archive (
  id UUID PRIMARY KEY,
  app_id VARCHAR(50) NOT NULL,
  user_id VARCHAR(100),
  ticket_id VARCHAR(100),
  started_at TIMESTAMPTZ NOT NULL,
  ended_at TIMESTAMPTZ,
  last_activity TIMESTAMPTZ NOT NULL,
  metadata JSON NOT NULL,
  page_url TEXT,
  event_count INTEGER NOT NULL,
  custom_event_count INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  click_count INTEGER NOT NULL,
  rage_click_count INTEGER NOT NULL,
  dead_click_count INTEGER NOT NULL,
  duration_seconds INTEGER,
  ttl_hours INTEGER NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  archived_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_sessions_archive_user ON sessions_archive (user_id, app_id);
CREATE INDEX idx_sessions_archive_created ON sessions_archive (created_at);

-- The objects of the archive, from before their upload to after their deletion: none can be forgotten. Each upload has
-- a key of its own, so that a deletion that comes late never meets a newer object.
CREATE TABLE archive_objects (
  object_key TEXT PRIMARY KEY,
  state VARCHAR(10) NOT NULL CHECK (state IN ('uploading', 'stored', 'deleting')),
  app_id VARCHAR(50) NOT NULL,
  day DATE NOT NULL,
  bytes BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  stored_at TIMESTAMPTZ
);
CREATE INDEX idx_archive_objects_unsettled ON archive_objects (state, created_at) WHERE state <> 'stored';
CREATE INDEX idx_archive_objects_day ON archive_objects (day) WHERE state <> 'deleting';

-- The segments that are to be archived some day.
CREATE INDEX idx_segments_unarchived ON session_segments (session_id, first_batch) WHERE object_key IS NULL;

-- However a segment goes, its object is queued for deletion in the same transaction.
CREATE FUNCTION queue_segment_object() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE archive_objects SET state = 'deleting' WHERE object_key = OLD.object_key;
  RETURN NULL;
END
$$;
CREATE TRIGGER queue_segment_object
AFTER DELETE ON session_segments
FOR EACH ROW WHEN (OLD.object_key IS NOT NULL)
EXECUTE FUNCTION queue_segment_object();

-- One look finds a day's first and last expiry.
CREATE INDEX idx_sessions_day_expires ON sessions (day, expires_at);
DROP INDEX idx_sessions_day;

-- ATTACH lets others read and write meanwhile; CREATE ... PARTITION OF would wait for every reader of the table, a
-- backup for example, and all others behind it.
CREATE OR REPLACE FUNCTION create_day_partitions(partition_day DATE) RETURNS BOOLEAN
LANGUAGE plpgsql AS $$
DECLARE
  parent TEXT;
  partition_name TEXT;
  created BOOLEAN := false;
BEGIN
  FOREACH parent IN ARRAY day_tables() LOOP
    partition_name := parent || to_char(partition_day, '_YYYY_MM_DD');
    IF to_regclass(partition_name) IS NULL THEN
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition_name, parent);
      EXECUTE format(
        'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, partition_name, partition_day, partition_day + 1
      );
      created := true;
    END IF;
  END LOOP;
  RETURN created;
END
$$;

-- Drops a table's partition of a day whose sessions have all expired; false when others use the table and it has to be
-- tried again. Everybody who comes while a DROP waits for its lock waits behind it: so it waits for a moment only. One
-- table in a transaction: with two it could deadlock with a group commit.
CREATE FUNCTION drop_day_partition(parent TEXT, partition_day DATE) RETURNS BOOLEAN
LANGUAGE plpgsql
SET lock_timeout = '50ms' AS $$
BEGIN
  IF EXISTS (SELECT FROM sessions WHERE day = partition_day AND expires_at > now()) THEN
    RETURN false;
  END IF;
  IF parent = 'session_segments' THEN
    UPDATE archive_objects SET state = 'deleting' WHERE day = partition_day AND state <> 'deleting';
  END IF;
  BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I', parent || to_char(partition_day, '_YYYY_MM_DD'));
    -- What was archived until the table was ours alone.
    IF parent = 'session_segments' THEN
      UPDATE archive_objects SET state = 'deleting' WHERE day = partition_day AND state <> 'deleting';
    END IF;
  EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
      RETURN false;
  END;
  RETURN true;
END
$$;

-- Deletes at most so many of a day's expired sessions, leaving those that are in use for the next time; returns how
-- many. A tombstone stays of each, and what was known of it, if that is wanted.
CREATE FUNCTION purge_expired_sessions(session_day DATE, most INTEGER, keep BOOLEAN) RETURNS INTEGER
LANGUAGE plpgsql AS $$
DECLARE
  -- Of a day that was dropped only these rows are left.
  dropped CONSTANT BOOLEAN := to_regclass('session_events' || to_char(session_day, '_YYYY_MM_DD')) IS NULL;
  expired UUID[];
  purged INTEGER;
BEGIN
  IF dropped THEN
    expired := ARRAY(SELECT id FROM sessions WHERE day = session_day AND expires_at <= now() LIMIT most);
  ELSE
    expired := ARRAY(
      SELECT id FROM sessions WHERE day = session_day AND expires_at <= now() LIMIT most FOR UPDATE SKIP LOCKED
    );
  END IF;
  IF keep THEN
    INSERT INTO sessions_archive (
      id, app_id, user_id, ticket_id, started_at, ended_at, last_activity, metadata, page_url,
      event_count, custom_event_count, error_count, click_count, rage_click_count, dead_click_count,
      duration_seconds, ttl_hours, expires_at, created_at
    )
    SELECT
      id, app_id, user_id, ticket_id, started_at, ended_at, last_activity, metadata, page_url,
      GREATEST(event_count, reported_event_count), custom_event_count, GREATEST(error_count, reported_error_count),
      GREATEST(click_count, reported_click_count), rage_click_count, dead_click_count,
      duration_seconds, ttl_hours, expires_at, created_at
    FROM sessions
    WHERE id = ANY(expired)
    ON CONFLICT (id) DO NOTHING;
  END IF;
  IF dropped THEN
    WITH gone AS (
      DELETE FROM sessions WHERE id = ANY(expired) RETURNING id, app_id
    ), marked AS (
      INSERT INTO tombstones (session_id, app_id, reason)
      SELECT id, app_id, 'expired'
      FROM gone
      ON CONFLICT (session_id) DO NOTHING
    )
    SELECT count(*) INTO purged FROM gone;
    RETURN purged;
  END IF;
  INSERT INTO tombstones (session_id, app_id, reason)
  SELECT id, app_id, 'expired'
  FROM sessions
  WHERE id = ANY(expired)
  ON CONFLICT (session_id) DO NOTHING;
  RETURN delete_sessions(expired);
END
$$;
