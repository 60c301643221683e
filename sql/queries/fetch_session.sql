SELECT
  id,
  app_id,
  user_id,
  ticket_id,
  day,
  started_at,
  ended_at,
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
  keyframe_sequence,
  sealed_at IS NOT NULL,
  rage_click_count,
  dead_click_count
FROM sessions
WHERE id = %(session_id)s
  AND (%(app_id)s::text IS NULL OR app_id = %(app_id)s)
  AND expires_at > now();
