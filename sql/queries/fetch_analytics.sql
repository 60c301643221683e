SELECT
  app_id,
  date,
  total_sessions,
  unique_users,
  avg_duration::float8,
  total_errors,
  total_clicks,
  avg_events_per_session::float8,
  sessions_with_errors,
  total_rage_clicks,
  total_dead_clicks
FROM session_analytics
WHERE (%(bound_app_id)s::text IS NULL OR app_id = %(bound_app_id)s)
  AND (%(app_id)s::text IS NULL OR app_id = %(app_id)s)
  AND (%(from_date)s::date IS NULL OR date >= %(from_date)s)
  AND (%(to_date)s::date IS NULL OR date <= %(to_date)s)
ORDER BY date DESC, app_id;
