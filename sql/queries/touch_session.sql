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
  keyframe_sequence
FROM touch_session(
  session_id => %(session_id)s,
  app_id => %(app_id)s,
  events => %(events)s,
  errors => %(errors)s,
  clicks => %(clicks)s
);
