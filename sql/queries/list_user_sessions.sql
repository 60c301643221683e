-- All sessions of a person, the oldest first: expired ones that are still there too, and what was kept of others.
SELECT
  {columns}
FROM (
  SELECT
    id, app_id, user_id, ticket_id, day, started_at, ended_at, last_activity, expires_at, metadata,
    event_count, reported_event_count, custom_event_count, error_count, reported_error_count,
    click_count, reported_click_count, duration_seconds, milliseconds, first_timestamp, last_timestamp,
    next_sequence, batch_count, keyframe_sequence
  FROM sessions
  WHERE user_id = %(user_id)s
  UNION ALL
  SELECT
    id, app_id, user_id, ticket_id, created_at::date, started_at, ended_at, last_activity, expires_at, metadata,
    event_count, 0, custom_event_count, error_count, 0,
    click_count, 0, duration_seconds, true, NULL, NULL,
    0, 0, NULL
  FROM sessions_archive
  WHERE user_id = %(user_id)s
) AS stored
WHERE (%(app_id)s::text IS NULL OR app_id = %(app_id)s)
  AND (%(after_id)s::uuid IS NULL OR (started_at, id) > (%(after_time)s::timestamptz, %(after_id)s::uuid))
ORDER BY started_at, id
LIMIT 100;
