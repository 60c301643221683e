s.expires_at > now()
AND (%(bound_app_id)s::text IS NULL OR s.app_id = %(bound_app_id)s)
AND (%(app_id)s::text IS NULL OR s.app_id = %(app_id)s)
AND (%(user_id)s::text IS NULL OR s.user_id = %(user_id)s)
AND (%(ticket_id)s::text IS NULL OR s.ticket_id = %(ticket_id)s)
AND (%(from_time)s::timestamptz IS NULL OR s.started_at >= %(from_time)s)
AND (%(to_time)s::timestamptz IS NULL OR s.started_at <= %(to_time)s)
AND (%(has_errors)s::boolean IS NULL OR (s.error_level > 0) = %(has_errors)s)
AND (%(has_rage_clicks)s::boolean IS NULL OR (s.rage_click_count > 0) = %(has_rage_clicks)s)
AND (%(has_dead_clicks)s::boolean IS NULL OR (s.dead_click_count > 0) = %(has_dead_clicks)s)
AND (%(live)s::boolean IS NULL OR (s.ended_at IS NULL) = %(live)s)
-- An index finds the levels, the counts decide. The planner knows how many rows a level has, and guesses the rest: an
-- estimate goes by the levels alone.
AND (%(min_errors)s::int IS NULL OR s.error_level >= error_level(%(min_errors)s))
AND (%(min_errors)s::int IS NULL OR %(estimating)s OR GREATEST(s.error_count, s.reported_error_count) >= %(min_errors)s)
-- While a session goes on, its duration is that so far, as its information says.
AND (%(min_duration)s::int IS NULL OR s.duration_level IS NULL OR s.duration_level >= duration_level(%(min_duration)s))
AND (%(min_duration)s::int IS NULL OR %(estimating)s
  OR COALESCE(s.duration_seconds, duration_so_far(s.started_at, s.last_timestamp)) >= %(min_duration)s)
AND (%(max_duration)s::int IS NULL OR s.duration_level IS NULL OR s.duration_level <= duration_level(%(max_duration)s))
AND (%(max_duration)s::int IS NULL OR %(estimating)s
  OR COALESCE(s.duration_seconds, duration_so_far(s.started_at, s.last_timestamp)) <= %(max_duration)s)
AND (%(url)s::text IS NULL OR s.page_url ILIKE %(url)s)
AND (%(search)s::text IS NULL
  OR s.page_url ILIKE %(search)s
  OR (COALESCE(s.user_id, '') || E'\n' || COALESCE(s.ticket_id, '')) ILIKE %(search)s
  OR s.id BETWEEN %(search_first_id)s::uuid AND %(search_last_id)s::uuid)
