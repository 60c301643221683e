-- What belongs to a session's events lies in partitions by the same day as they: a day that has expired is dropped
-- whole. No foreign keys: they would cost a look-up for each row that is stored and for each that goes. Rows are
-- written under the lock of their session's row, and deleted by delete_sessions under the same lock.

ALTER TABLE session_events DROP CONSTRAINT session_events_session_id_day_fkey;
ALTER TABLE sessions DROP CONSTRAINT sessions_id_day_key;

ALTER TABLE sessions
  -- Batches 1 to sealed_batch_count lie in segments; sealed_at is set while that is all of them.
  ADD COLUMN sealed_batch_count INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN sealed_at TIMESTAMPTZ,
  ADD COLUMN rage_click_count INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN dead_click_count INTEGER NOT NULL DEFAULT 0;

CREATE INDEX idx_sessions_unsealed ON sessions (ended_at) WHERE sealed_at IS NULL AND ended_at IS NOT NULL;
CREATE INDEX idx_sessions_day ON sessions (day);

ALTER TABLE custom_events RENAME TO old_custom_events;
ALTER TABLE session_errors RENAME TO old_session_errors;
ALTER TABLE ingest_batches RENAME TO old_ingest_batches;
DROP INDEX idx_custom_events_session, idx_custom_events_type, idx_errors_session, idx_errors_type;

CREATE SEQUENCE custom_event_ids;
CREATE TABLE custom_events (
  day DATE NOT NULL,
  session_id UUID NOT NULL,
  batch_number INTEGER NOT NULL,
  id BIGINT NOT NULL DEFAULT nextval('custom_event_ids'),
  event_type VARCHAR(50) NOT NULL,
  event_data JSON NOT NULL,
  timestamp BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (session_id, batch_number, id, day)
) PARTITION BY RANGE (day);
CREATE INDEX idx_custom_events_type ON custom_events (event_type, session_id);

CREATE SEQUENCE session_error_ids;
CREATE TABLE session_errors (
  day DATE NOT NULL,
  session_id UUID NOT NULL,
  batch_number INTEGER NOT NULL,
  id BIGINT NOT NULL DEFAULT nextval('session_error_ids'),
  error_type VARCHAR(50) NOT NULL,
  message TEXT,
  stack TEXT,
  timestamp BIGINT NOT NULL,
  metadata JSON NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (session_id, batch_number, id, day)
) PARTITION BY RANGE (day);
CREATE INDEX idx_errors_type ON session_errors (error_type);

CREATE TABLE ingest_batches (
  day DATE NOT NULL,
  session_id UUID NOT NULL,
  batch_key BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  first_sequence INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  batch_number INTEGER NOT NULL,
  PRIMARY KEY (session_id, batch_key, day)
) PARTITION BY RANGE (day);

-- Which of these batches are stored already. A function, since it keeps its plans, and day after day, since then only
-- one partition is opened: to plan a join with some forty partitions takes longer than a group commit.
CREATE FUNCTION find_stored_batches(session_ids UUID[], batch_keys BYTEA[])
RETURNS SETOF ingest_batches
LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
  batch_day DATE;
BEGIN
  FOR batch_day IN SELECT DISTINCT day FROM sessions WHERE id = ANY(session_ids) LOOP
    RETURN QUERY
    SELECT b.*
    FROM unnest(session_ids, batch_keys) AS i (session_id, batch_key)
    JOIN ingest_batches b ON b.session_id = i.session_id AND b.batch_key = i.batch_key
    WHERE b.day = batch_day;
  END LOOP;
END
$$;

-- The batches of an ended session, merged. A segment is one zstd frame; inflated it is the JSON of its events with
-- commas between them, without brackets. Its bytes lie here or, archived, in the object store.
CREATE TABLE session_segments (
  day DATE NOT NULL,
  session_id UUID NOT NULL,
  first_batch INTEGER NOT NULL,
  last_batch INTEGER NOT NULL,
  sequence_number INTEGER NOT NULL,
  event_count INTEGER NOT NULL,
  first_timestamp BIGINT,
  last_timestamp BIGINT,
  size_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  -- SHA-256 of the stored bytes.
  digest BYTEA NOT NULL,
  -- Of each batch: what it holds, and where its events begin in the JSON.
  batch_event_counts INTEGER[] NOT NULL,
  batch_custom_event_counts INTEGER[] NOT NULL,
  batch_error_counts INTEGER[] NOT NULL,
  batch_offsets INTEGER[] NOT NULL,
  event_types INTEGER[] NOT NULL,
  keyframe_sequences INTEGER[] NOT NULL,
  keyframe_timestamps BIGINT[] NOT NULL,
  -- Where each keyframe's Meta begins in the JSON.
  keyframe_offsets INTEGER[] NOT NULL,
  event_data BYTEA,
  object_key TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (session_id, first_batch, day),
  CHECK ((event_data IS NULL) <> (object_key IS NULL))
) PARTITION BY RANGE (day);
ALTER TABLE session_segments ALTER COLUMN event_data SET STORAGE EXTERNAL;

-- The tables with a partition for each day.
CREATE FUNCTION day_tables() RETURNS TEXT[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['session_events', 'session_segments', 'custom_events', 'session_errors', 'ingest_batches']
$$;

-- Makes a day's partitions where they are missing; returns whether one was.
CREATE FUNCTION create_day_partitions(partition_day DATE) RETURNS BOOLEAN
LANGUAGE plpgsql AS $$
DECLARE
  parent TEXT;
  partition_name TEXT;
  created BOOLEAN := false;
BEGIN
  FOREACH parent IN ARRAY day_tables() LOOP
    partition_name := parent || to_char(partition_day, '_YYYY_MM_DD');
    IF to_regclass(partition_name) IS NULL THEN
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        partition_name, parent, partition_day, partition_day + 1
      );
      created := true;
    END IF;
  END LOOP;
  RETURN created;
END
$$;

-- Makes the missing partitions from today to some days ahead (UTC); returns of how many days.
CREATE OR REPLACE FUNCTION create_event_partitions(days_ahead INTEGER) RETURNS INTEGER
LANGUAGE plpgsql AS $$
DECLARE
  today CONSTANT DATE := (now() AT TIME ZONE 'UTC')::date;
  partition_day DATE;
  created INTEGER := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('create_event_partitions'));
  FOR partition_day IN SELECT today + n FROM generate_series(0, days_ahead) AS n LOOP
    IF create_day_partitions(partition_day) THEN
      created := created + 1;
    END IF;
  END LOOP;
  RETURN created;
END
$$;

-- Deletes sessions with all that belongs to them in the database; returns how many there were. Statement after
-- statement: each sees what was committed before the rows were locked.
CREATE FUNCTION delete_sessions(session_ids UUID[]) RETURNS INTEGER
LANGUAGE plpgsql AS $$
DECLARE
  found UUID[];
  days DATE[];
BEGIN
  SELECT array_agg(id), array_agg(DISTINCT day)
  INTO found, days
  FROM (SELECT id, day FROM sessions WHERE id = ANY(session_ids) ORDER BY id FOR UPDATE) AS locked;
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

INSERT INTO custom_events (day, session_id, batch_number, event_type, event_data, timestamp, created_at)
SELECT s.day, o.session_id, o.batch_number, o.event_type, o.event_data, o.timestamp, o.created_at
FROM old_custom_events o
JOIN sessions s ON s.id = o.session_id
ORDER BY o.id;

INSERT INTO session_errors (day, session_id, batch_number, error_type, message, stack, timestamp, metadata, created_at)
SELECT s.day, o.session_id, o.batch_number, o.error_type, o.message, o.stack, o.timestamp, o.metadata, o.created_at
FROM old_session_errors o
JOIN sessions s ON s.id = o.session_id
ORDER BY o.id;

INSERT INTO ingest_batches (day, session_id, batch_key, digest, first_sequence, event_count, batch_number)
SELECT s.day, o.session_id, o.batch_key, o.digest, o.first_sequence, o.event_count, o.batch_number
FROM old_ingest_batches o
JOIN sessions s ON s.id = o.session_id;

DROP TABLE old_custom_events, old_session_errors, old_ingest_batches;
