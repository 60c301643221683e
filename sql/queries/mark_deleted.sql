-- Marks sessions as deleted, one by its id or up to 500 of a user, and tells which.
INSERT INTO tombstones AS t (session_id, app_id, reason)
SELECT DISTINCT id, app_id, 'deleted'
FROM (
  SELECT id, app_id
  FROM sessions
  WHERE id = %(session_id)s
  UNION ALL
  SELECT id, app_id
  FROM sessions
  WHERE user_id = %(user_id)s
  UNION ALL
  SELECT id, app_id
  FROM sessions_archive
  WHERE id = %(session_id)s
  UNION ALL
  SELECT id, app_id
  FROM sessions_archive
  WHERE user_id = %(user_id)s
) AS found
WHERE %(app_id)s::text IS NULL OR app_id = %(app_id)s
ORDER BY id
LIMIT 500
ON CONFLICT (session_id) DO UPDATE
SET reason = 'deleted', created_at = now()
RETURNING session_id;
