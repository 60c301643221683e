-- One group commit. Two statements in one round trip are one implicit transaction: the first locks the sessions in a
-- fixed order (no deadlock between processes), the second then sees what other processes have committed meanwhile.
SELECT 1
FROM sessions
WHERE id = ANY(%(session_ids)s::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

WITH incoming AS (
  SELECT
    t.*,
    substr(%(event_data)s::bytea, data_offset, data_length) AS event_data
  FROM unnest(
    %(session_ids)s::uuid[], %(app_ids)s::text[], %(batch_keys)s::bytea[], %(digests)s::bytea[],
    %(event_counts)s::int[], %(custom_event_counts)s::int[], %(error_counts)s::int[], %(click_counts)s::int[],
    %(first_timestamps)s::bigint[], %(last_timestamps)s::bigint[], %(sizes)s::int[], %(codecs)s::text[],
    %(data_offsets)s::int[], %(data_lengths)s::int[], %(event_types)s::text[],
    %(keyframe_offsets)s::text[], %(keyframe_timestamps)s::text[],
    %(orphan_snapshots)s::int[], %(orphan_timestamps)s::bigint[], %(last_metas)s::int[], %(marks)s::bytea[]
  ) WITH ORDINALITY AS t (
    session_id, app_id, batch_key, digest,
    event_count, custom_event_count, error_count, click_count,
    first_timestamp, last_timestamp, size_bytes, codec,
    data_offset, data_length, event_types,
    keyframe_offsets, keyframe_timestamps,
    orphan_snapshot, orphan_timestamp, last_meta, marks, position
  )
), known AS (
  SELECT
    i.*,
    s.day, s.created_at, s.next_sequence, s.batch_count, s.meta_sequence,
    s.app_id AS session_app_id, s.user_id, s.started_at, s.milliseconds, s.ended_at,
    s.keyframe_sequence IS NULL AS keyframe_missing,
    s.expires_at <= now() AS expired,
    b.first_sequence AS known_sequence, b.batch_number AS known_batch_number, b.digest AS known_digest
  FROM incoming i
  JOIN sessions s ON s.id = i.session_id
  LEFT JOIN find_stored_batches(%(session_ids)s::uuid[], %(batch_keys)s::bytea[]) b
    ON b.session_id = i.session_id AND b.batch_key = i.batch_key
), numbered AS (
  SELECT
    k.*,
    (next_sequence + sum(event_count) OVER w - event_count)::int AS first_sequence,
    (batch_count + row_number() OVER w)::int AS batch_number
  FROM known k
  WHERE known_digest IS NULL AND NOT expired AND (app_id IS NULL OR app_id = session_app_id)
  WINDOW w AS (PARTITION BY session_id ORDER BY position)
), fresh AS (
  SELECT
    n.*,
    -- A FullSnapshot that opens its batch belongs to the Meta that closed an earlier one.
    CASE WHEN orphan_snapshot IS NOT NULL THEN COALESCE(
      max(first_sequence + last_meta) OVER (
        PARTITION BY session_id ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      meta_sequence,
      first_sequence + orphan_snapshot
    ) END AS orphan_keyframe
  FROM numbered n
), framed AS (
  SELECT
    f.*,
    CASE WHEN orphan_keyframe IS NULL AND keyframe_offsets = '{}' THEN '{}'::int[] ELSE
      array_remove(orphan_keyframe || ARRAY(SELECT first_sequence + o FROM unnest(keyframe_offsets::int[]) o), NULL)
    END AS keyframe_sequences,
    CASE WHEN orphan_keyframe IS NULL AND keyframe_offsets = '{}' THEN '{}'::bigint[]
      WHEN orphan_keyframe IS NULL THEN keyframe_timestamps::bigint[]
      ELSE orphan_timestamp || keyframe_timestamps::bigint[]
    END AS all_keyframe_timestamps
  FROM fresh f
), keys AS (
  INSERT INTO ingest_batches (day, session_id, batch_key, digest, first_sequence, event_count, batch_number)
  SELECT day, session_id, batch_key, digest, first_sequence, event_count, batch_number
  FROM fresh
), stored AS (
  INSERT INTO session_events (
    day, session_id, sequence_number, batch_number, event_count, custom_event_count, error_count,
    first_timestamp, last_timestamp, size_bytes, codec, event_data, event_types,
    keyframe_sequences, keyframe_timestamps, marks
  )
  SELECT
    day, session_id, first_sequence, batch_number, event_count, custom_event_count, error_count,
    first_timestamp, last_timestamp, size_bytes, codec, event_data, event_types::int[],
    keyframe_sequences, all_keyframe_timestamps, marks
  FROM framed
), stored_custom_events AS (
  INSERT INTO custom_events (day, session_id, batch_number, event_type, event_data, timestamp)
  SELECT f.day, f.session_id, f.batch_number, c.event_type, c.event_data::json, c.timestamp
  FROM unnest(
    %(custom_positions)s::int[], %(custom_types)s::text[], %(custom_bodies)s::text[], %(custom_timestamps)s::bigint[]
  ) WITH ORDINALITY AS c (position, event_type, event_data, timestamp, place)
  JOIN fresh f ON f.position = c.position
  ORDER BY c.place
), noted_custom_events AS (
  INSERT INTO custom_event_sessions (day, event_type, session_created_at, session_id)
  SELECT DISTINCT f.day, c.event_type, f.created_at, f.session_id
  FROM unnest(%(custom_positions)s::int[], %(custom_types)s::text[]) AS c (position, event_type)
  JOIN fresh f ON f.position = c.position
  ON CONFLICT DO NOTHING
), stored_errors AS (
  INSERT INTO session_errors (
    day, session_id, batch_number, error_type, message, stack, timestamp, metadata
  )
  SELECT f.day, f.session_id, f.batch_number, e.error_type, e.message, e.stack, e.timestamp, e.metadata::json
  FROM unnest(
    %(error_positions)s::int[], %(error_types)s::text[], %(error_messages)s::text[], %(error_stacks)s::text[],
    %(error_timestamps)s::bigint[], %(error_bodies)s::text[]
  ) WITH ORDINALITY AS e (position, error_type, message, stack, timestamp, metadata, place)
  JOIN fresh f ON f.position = e.position
  ORDER BY e.place
), totals AS (
  SELECT
    session_id,
    sum(event_count) AS events, sum(custom_event_count) AS custom_events,
    sum(error_count) AS errors, sum(click_count) AS clicks, count(*) AS batches,
    min(first_timestamp) FILTER (WHERE event_count > 0) AS first_timestamp,
    max(last_timestamp) FILTER (WHERE event_count > 0) AS last_timestamp,
    max(first_sequence + last_meta) AS meta_sequence,
    max(keyframe_sequences[cardinality(keyframe_sequences)]) AS keyframe_sequence
  FROM framed
  GROUP BY session_id
), counted AS (
  UPDATE sessions s
  SET
    next_sequence = s.next_sequence + t.events,
    batch_count = s.batch_count + t.batches,
    event_count = s.event_count + t.events,
    custom_event_count = s.custom_event_count + t.custom_events,
    error_count = s.error_count + t.errors,
    click_count = s.click_count + t.clicks,
    first_timestamp = LEAST(s.first_timestamp, t.first_timestamp),
    last_timestamp = GREATEST(s.last_timestamp, t.last_timestamp),
    meta_sequence = COALESCE(t.meta_sequence, s.meta_sequence),
    keyframe_sequence = COALESCE(t.keyframe_sequence, s.keyframe_sequence),
    last_activity = now(),
    updated_at = now(),
    -- A session that only fell idle goes on; one that its client ended stays ended, and keeps what comes late.
    ended_at = CASE WHEN s.ended_by = 'idle' THEN NULL ELSE s.ended_at END,
    duration_seconds = CASE WHEN s.ended_by = 'idle' THEN NULL ELSE s.duration_seconds END,
    ended_by = NULLIF(s.ended_by, 'idle'),
    sealed_at = NULL
  FROM totals t
  WHERE s.id = t.session_id
)
SELECT
  k.position::int - 1,
  COALESCE(f.first_sequence, k.known_sequence),
  COALESCE(f.batch_number, k.known_batch_number),
  k.known_digest IS NOT NULL,
  k.known_digest IS NOT NULL AND k.known_digest <> k.digest,
  k.expired,
  COALESCE(k.app_id <> k.session_app_id, false),
  k.keyframe_missing,
  k.session_app_id,
  k.user_id,
  k.started_at,
  k.milliseconds,
  COALESCE(f.first_sequence, k.next_sequence) + k.event_count
FROM known k
LEFT JOIN fresh f ON f.position = k.position
ORDER BY k.position;
