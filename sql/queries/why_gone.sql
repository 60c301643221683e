-- Why a session takes nothing any more: 'deleted' or 'expired'.
SELECT reason
FROM (
  SELECT reason, app_id
  FROM tombstones
  WHERE session_id = %(session_id)s
  UNION ALL
  SELECT 'expired', app_id
  FROM sessions
  WHERE id = %(session_id)s
    AND expires_at <= now()
) AS gone
WHERE %(app_id)s::text IS NULL OR app_id = %(app_id)s
LIMIT 1;
