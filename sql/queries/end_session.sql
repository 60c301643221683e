-- The end's time is what the client says, else its last event's, else now; a repeated end can only move it later.
UPDATE sessions
SET
  ended_at = e.ended_at,
  duration_seconds = LEAST(GREATEST(round(extract(epoch FROM e.ended_at - started_at)), 0), 2147483647)::int,
  ended_by = 'client',
  reported_event_count = GREATEST(reported_event_count, %(events)s),
  reported_error_count = GREATEST(reported_error_count, %(errors)s),
  reported_click_count = GREATEST(reported_click_count, %(clicks)s),
  last_activity = now(),
  updated_at = now()
FROM (
  SELECT
    id AS session_id,
    GREATEST(
      CASE WHEN ended_by = 'client' THEN ended_at END,
      COALESCE(
        to_timestamp(%(ended_at)s),
        to_timestamp(
          LEAST(GREATEST(last_timestamp, 0), 253402214399000)
          / CASE WHEN last_timestamp < 100000000000 THEN 1.0 ELSE 1000.0 END
        ),
        now()
      )
    ) AS ended_at
  FROM sessions
  WHERE id = %(session_id)s
  FOR NO KEY UPDATE
) AS e
WHERE id = e.session_id
  AND (%(app_id)s::text IS NULL OR app_id = %(app_id)s)
  AND expires_at > now()
RETURNING
  id,
  app_id,
  user_id,
  ticket_id,
  day,
  started_at,
  sessions.ended_at,
  last_activity,
  expires_at,
  metadata::text,
  GREATEST(event_count, reported_event_count),
  custom_event_count,
  GREATEST(error_count, reported_error_count),
  GREATEST(click_count, reported_click_count),
  duration_seconds,
  milliseconds,
  first_timestamp,
  last_timestamp,
  next_sequence,
  batch_count,
  keyframe_sequence;
