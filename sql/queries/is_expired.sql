SELECT expires_at <= now()
FROM sessions
WHERE id = %(session_id)s
  AND (%(app_id)s::text IS NULL OR app_id = %(app_id)s);
