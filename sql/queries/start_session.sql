-- The first start fills the session in; a repeated one fills in only what is not known, and wakes a session that fell idle.
INSERT INTO sessions AS s (
  id, app_id, user_id, ticket_id, started_at, milliseconds, metadata, page_url, ttl_hours, expires_at, start_received
)
SELECT
  %(session_id)s, %(app_id)s, %(user_id)s, %(ticket_id)s, COALESCE(to_timestamp(%(started_at)s), now()), %(milliseconds)s,
  %(metadata)s, %(page_url)s, l.ttl_hours, now() + make_interval(hours => l.ttl_hours), true
FROM session_ttl(%(ttl_hours)s, %(app_id)s, %(default_ttl_hours)s) AS l (ttl_hours)
WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE session_id = %(session_id)s)
ON CONFLICT (id) DO UPDATE
SET
  user_id = CASE WHEN s.start_received THEN COALESCE(s.user_id, EXCLUDED.user_id) ELSE COALESCE(EXCLUDED.user_id, s.user_id) END,
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
RETURNING
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
  keyframe_sequence;
