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
  -- No list shows them, and they may be large.
  '{}',
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
  created_at
FROM sessions
WHERE
  (%(bound_app_id)s::text IS NULL OR app_id = %(bound_app_id)s)
  AND (%(app_id)s::text IS NULL OR app_id = %(app_id)s)
  AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
  AND (%(ticket_id)s::text IS NULL OR ticket_id = %(ticket_id)s)
  AND (%(from_time)s::timestamptz IS NULL OR started_at >= %(from_time)s)
  AND (%(to_time)s::timestamptz IS NULL OR started_at <= %(to_time)s)
  AND (%(has_errors)s::boolean IS NULL OR (GREATEST(error_count, reported_error_count) > 0) = %(has_errors)s)
  AND (%(live)s::boolean IS NULL OR (ended_at IS NULL) = %(live)s)
  AND (%(min_duration)s::int IS NULL OR COALESCE(
    duration_seconds,
    -- While it goes on: up to the last event so far, as the session's information says.
    GREATEST(
      round(last_timestamp / CASE WHEN last_timestamp < 100000000000 THEN 1.0 ELSE 1000.0 END - extract(epoch FROM started_at)),
      0
    )
  ) >= %(min_duration)s)
  AND (%(custom_event)s::text IS NULL OR EXISTS (
    SELECT 1 FROM custom_events c WHERE c.session_id = sessions.id AND c.day = sessions.day AND c.event_type = %(custom_event)s
  ))
  AND (%(search)s::text IS NULL
    OR user_id ILIKE %(search)s OR ticket_id ILIKE %(search)s OR page_url ILIKE %(search)s OR id::text ILIKE %(search)s)
  AND expires_at > now()
  AND (%(before_created)s::timestamptz IS NULL OR (created_at, id) < (%(before_created)s, %(before_id)s::uuid))
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s
OFFSET %(offset)s;
