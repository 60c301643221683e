-- Statements that keep their plans: to plan a group commit anew took as long as to do it. Functions keep them for each
-- connection, behind pgbouncer too, where prepared statements would not last. A kept plan must fit small and large tables,
-- and groups of one and of many: so it is made for no group's values, and never reads a whole table.

-- One group commit: the first statement locks the sessions in a fixed order (no deadlock between processes), the second, with
-- a snapshot of its own, then sees what other processes have committed meanwhile.
CREATE FUNCTION append_batches(
  session_ids UUID[],
  event_data BYTEA,
  app_ids TEXT[],
  batch_keys BYTEA[],
  digests BYTEA[],
  event_counts INTEGER[],
  custom_event_counts INTEGER[],
  error_counts INTEGER[],
  click_counts INTEGER[],
  first_timestamps BIGINT[],
  last_timestamps BIGINT[],
  sizes INTEGER[],
  codecs TEXT[],
  data_offsets INTEGER[],
  data_lengths INTEGER[],
  event_types TEXT[],
  keyframe_offsets TEXT[],
  keyframe_timestamps TEXT[],
  orphan_snapshots INTEGER[],
  orphan_timestamps BIGINT[],
  last_metas INTEGER[],
  marks BYTEA[],
  custom_positions INTEGER[],
  custom_types TEXT[],
  custom_bodies TEXT[],
  custom_timestamps BIGINT[],
  error_positions INTEGER[],
  error_types TEXT[],
  error_messages TEXT[],
  error_stacks TEXT[],
  error_timestamps BIGINT[],
  error_bodies TEXT[]
)
RETURNS TABLE (
  place INTEGER, from_sequence INTEGER, stored_number INTEGER, duplicate BOOLEAN, conflict BOOLEAN, is_expired BOOLEAN,
  other_app BOOLEAN, lacks_keyframe BOOLEAN, app TEXT, of_user TEXT, started TIMESTAMPTZ, in_milliseconds BOOLEAN,
  following INTEGER
)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1
  FROM sessions
  WHERE id = ANY(append_batches.session_ids)
  ORDER BY id
  FOR NO KEY UPDATE;

  RETURN QUERY
  WITH incoming AS (
    SELECT
      t.*,
      substr(append_batches.event_data, data_offset, data_length) AS event_data
    FROM unnest(
      append_batches.session_ids, append_batches.app_ids, append_batches.batch_keys, append_batches.digests,
      append_batches.event_counts, append_batches.custom_event_counts, append_batches.error_counts, append_batches.click_counts,
      append_batches.first_timestamps, append_batches.last_timestamps, append_batches.sizes, append_batches.codecs,
      append_batches.data_offsets, append_batches.data_lengths, append_batches.event_types,
      append_batches.keyframe_offsets, append_batches.keyframe_timestamps,
      append_batches.orphan_snapshots, append_batches.orphan_timestamps, append_batches.last_metas, append_batches.marks
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
    LEFT JOIN find_stored_batches(append_batches.session_ids, append_batches.batch_keys) b
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
      append_batches.custom_positions, append_batches.custom_types, append_batches.custom_bodies, append_batches.custom_timestamps
    ) WITH ORDINALITY AS c (position, event_type, event_data, timestamp, place)
    JOIN fresh f ON f.position = c.position
    ORDER BY c.place
  ), noted_custom_events AS (
    INSERT INTO custom_event_sessions (day, event_type, session_created_at, session_id)
    SELECT DISTINCT f.day, c.event_type, f.created_at, f.session_id
    FROM unnest(append_batches.custom_positions, append_batches.custom_types) AS c (position, event_type)
    JOIN fresh f ON f.position = c.position
    ON CONFLICT DO NOTHING
  ), stored_errors AS (
    INSERT INTO session_errors (
      day, session_id, batch_number, error_type, message, stack, timestamp, metadata
    )
    SELECT f.day, f.session_id, f.batch_number, e.error_type, e.message, e.stack, e.timestamp, e.metadata::json
    FROM unnest(
      append_batches.error_positions, append_batches.error_types, append_batches.error_messages, append_batches.error_stacks,
      append_batches.error_timestamps, append_batches.error_bodies
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
    k.session_app_id::text,
    k.user_id::text,
    k.started_at,
    k.milliseconds,
    COALESCE(f.first_sequence, k.next_sequence) + k.event_count
  FROM known k
  LEFT JOIN fresh f ON f.position = k.position
  ORDER BY k.position;
END
$$;

-- The first start fills the session in; a repeated one fills in only what is not known, and wakes a session that fell idle.
CREATE FUNCTION start_session(
  session_id UUID, app_id TEXT, user_id TEXT, ticket_id TEXT, started_at DOUBLE PRECISION,
  milliseconds BOOLEAN, metadata JSON, page_url TEXT, ttl_hours INTEGER, default_ttl_hours INTEGER
)
RETURNS SETOF sessions
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  INSERT INTO sessions AS s (
    id, app_id, user_id, ticket_id, started_at, milliseconds, metadata, page_url, ttl_hours, expires_at, start_received
  )
  SELECT
    start_session.session_id, start_session.app_id, start_session.user_id, start_session.ticket_id,
    COALESCE(to_timestamp(start_session.started_at), now()), start_session.milliseconds, start_session.metadata,
    start_session.page_url, l.ttl_hours, now() + make_interval(hours => l.ttl_hours), true
  FROM session_ttl(start_session.ttl_hours, start_session.app_id, start_session.default_ttl_hours) AS l (ttl_hours)
  WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE session_id = start_session.session_id)
  ON CONFLICT (id) DO UPDATE
  SET
    user_id = CASE
      WHEN s.start_received THEN COALESCE(s.user_id, EXCLUDED.user_id)
      ELSE COALESCE(EXCLUDED.user_id, s.user_id)
    END,
    ticket_id = COALESCE(s.ticket_id, EXCLUDED.ticket_id),
    started_at = CASE WHEN s.start_received THEN s.started_at ELSE EXCLUDED.started_at END,
    milliseconds = CASE WHEN s.start_received THEN s.milliseconds ELSE EXCLUDED.milliseconds END,
    metadata = CASE WHEN s.start_received THEN s.metadata ELSE EXCLUDED.metadata END,
    page_url = CASE WHEN s.start_received THEN s.page_url ELSE EXCLUDED.page_url END,
    ttl_hours = CASE WHEN s.start_received THEN s.ttl_hours ELSE EXCLUDED.ttl_hours END,
    expires_at = CASE WHEN s.start_received OR s.expires_at <= now() THEN s.expires_at ELSE EXCLUDED.expires_at END,
    ended_at = CASE WHEN s.ended_by = 'idle' THEN NULL ELSE s.ended_at END,
    duration_seconds = CASE WHEN s.ended_by = 'idle' THEN NULL ELSE s.duration_seconds END,
    ended_by = NULLIF(s.ended_by, 'idle'),
    start_received = true,
    last_activity = now(),
    updated_at = now()
  WHERE s.app_id = EXCLUDED.app_id
  RETURNING s.*;
END
$$;

-- A session is active.
CREATE FUNCTION touch_session(
  session_id UUID, app_id TEXT, events INTEGER, errors INTEGER, clicks INTEGER
)
RETURNS SETOF sessions
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  UPDATE sessions
  SET
    last_activity = now(),
    updated_at = now(),
    reported_event_count = GREATEST(reported_event_count, touch_session.events),
    reported_error_count = GREATEST(reported_error_count, touch_session.errors),
    reported_click_count = GREATEST(reported_click_count, touch_session.clicks),
    ended_at = CASE WHEN ended_by = 'idle' THEN NULL ELSE ended_at END,
    duration_seconds = CASE WHEN ended_by = 'idle' THEN NULL ELSE duration_seconds END,
    ended_by = NULLIF(ended_by, 'idle')
  WHERE id = touch_session.session_id
    AND (touch_session.app_id IS NULL OR app_id = touch_session.app_id)
    AND expires_at > now()
  RETURNING sessions.*;
END
$$;

-- The end's time is what the client says, else its last event's, else now; a repeated end can only move it later.
CREATE FUNCTION end_session(
  session_id UUID, app_id TEXT, ended_at DOUBLE PRECISION,
  events INTEGER, errors INTEGER, clicks INTEGER
)
RETURNS SETOF sessions
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  UPDATE sessions
  SET
    ended_at = e.ended_at,
    duration_seconds = LEAST(GREATEST(round(extract(epoch FROM e.ended_at - started_at)), 0), 2147483647)::int,
    ended_by = 'client',
    reported_event_count = GREATEST(reported_event_count, end_session.events),
    reported_error_count = GREATEST(reported_error_count, end_session.errors),
    reported_click_count = GREATEST(reported_click_count, end_session.clicks),
    last_activity = now(),
    updated_at = now()
  FROM (
    SELECT
      id AS session_id,
      GREATEST(
        CASE WHEN ended_by = 'client' THEN ended_at END,
        COALESCE(
          to_timestamp(end_session.ended_at),
          to_timestamp(
            LEAST(GREATEST(last_timestamp, 0), 253402214399000)
            / CASE WHEN last_timestamp < 100000000000 THEN 1.0 ELSE 1000.0 END
          ),
          now()
        )
      ) AS ended_at
    FROM sessions
    WHERE id = end_session.session_id
    FOR NO KEY UPDATE
  ) AS e
  WHERE id = e.session_id
    AND (end_session.app_id IS NULL OR app_id = end_session.app_id)
    AND expires_at > now()
  RETURNING sessions.*;
END
$$;
