-- Puts a segment in the place of its batches, all or nothing. The first statement locks the session as the append of
-- batches does, so that the second sees it as it is. No row comes back when another process has sealed these batches,
-- or the session goes on or is gone; all fails when what goes is not exactly what the segment was made of.
SELECT 1
FROM sessions
WHERE id = %(session_id)s
FOR NO KEY UPDATE;

WITH session AS (
  SELECT id, batch_count
  FROM sessions
  WHERE id = %(session_id)s
    AND day = %(day)s
    AND ended_at IS NOT NULL
    AND sealed_batch_count = %(sealed_batch_count)s
), removed AS (
  DELETE FROM session_events e
  USING session
  WHERE e.session_id = %(session_id)s
    AND e.day = %(day)s
    AND e.sequence_number BETWEEN %(removed_sequence)s AND %(next_sequence)s
    AND e.batch_number > %(sealed_batch_count)s
    AND e.batch_number <= %(last_batch)s
  RETURNING e.event_count, e.size_bytes
), totals AS (
  SELECT count(*) AS batches, sum(event_count) AS events, sum(size_bytes) AS bytes
  FROM removed
), stored AS (
  INSERT INTO session_segments AS g (
    day, session_id, first_batch, last_batch, sequence_number, event_count, first_timestamp, last_timestamp,
    size_bytes, stored_bytes, digest, batch_event_counts, batch_custom_event_counts, batch_error_counts, batch_offsets,
    event_types, keyframe_sequences, keyframe_timestamps, keyframe_offsets, marks, event_data
  )
  SELECT
    %(day)s::date, id, %(first_batch)s, %(last_batch)s, %(first_sequence)s, %(event_count)s,
    %(first_timestamp)s::bigint, %(last_timestamp)s::bigint, %(size_bytes)s, %(stored_bytes)s, %(digest)s::bytea,
    %(batch_event_counts)s::int[], %(batch_custom_event_counts)s::int[], %(batch_error_counts)s::int[],
    %(batch_offsets)s::int[], %(event_types)s::int[], %(keyframe_sequences)s::int[], %(keyframe_timestamps)s::bigint[],
    %(keyframe_offsets)s::int[], %(marks)s::bytea, %(event_data)s::bytea
  FROM session
  -- A small segment grows. If it has changed meanwhile, or has been archived, all fails.
  ON CONFLICT (session_id, first_batch, day) DO UPDATE
  SET
    last_batch = excluded.last_batch,
    event_count = excluded.event_count,
    first_timestamp = excluded.first_timestamp,
    last_timestamp = excluded.last_timestamp,
    size_bytes = excluded.size_bytes,
    stored_bytes = excluded.stored_bytes,
    digest = excluded.digest,
    batch_event_counts = excluded.batch_event_counts,
    batch_custom_event_counts = excluded.batch_custom_event_counts,
    batch_error_counts = excluded.batch_error_counts,
    batch_offsets = excluded.batch_offsets,
    event_types = ARRAY(SELECT DISTINCT t FROM unnest(g.event_types || excluded.event_types) AS t ORDER BY t),
    keyframe_sequences = excluded.keyframe_sequences,
    keyframe_timestamps = excluded.keyframe_timestamps,
    keyframe_offsets = excluded.keyframe_offsets,
    marks = excluded.marks,
    event_data = excluded.event_data,
    created_at = excluded.created_at
  WHERE g.digest = %(replaced_digest)s::bytea
    AND g.object_key IS NULL
  RETURNING 1
), counted AS (
  UPDATE sessions s
  SET
    sealed_batch_count = %(last_batch)s,
    sealed_at = CASE WHEN s.batch_count = %(last_batch)s THEN now() END,
    rage_click_count = %(rage_clicks)s,
    dead_click_count = %(dead_clicks)s,
    seal_not_before = CASE WHEN s.batch_count > %(last_batch)s THEN now() + make_interval(secs => %(lease)s) END
  FROM session
  WHERE s.id = session.id
)
SELECT
  CASE
    WHEN batches = %(removed_batches)s
      AND events = %(removed_events)s
      AND bytes = %(removed_bytes)s
      AND (SELECT count(*) FROM stored) = 1
    THEN true
    ELSE refuse('the batches are not those of the segment')
  END
FROM session, totals;
