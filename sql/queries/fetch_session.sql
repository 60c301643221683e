SELECT
  {columns},
  sealed_at IS NOT NULL,
  rage_click_count,
  dead_click_count
FROM sessions
WHERE id = %(session_id)s
  AND (%(app_id)s::text IS NULL OR app_id = %(app_id)s)
  AND expires_at > now();
