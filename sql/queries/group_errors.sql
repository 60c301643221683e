-- The top frame is the first line that V8 begins with "at"; other browsers write no message above it.
WITH found AS (
  SELECT
    e.session_id,
    e.created_at,
    left(e.error_type, 50) AS error_type,
    left(e.message, 1000) AS message,
    left(CASE
      WHEN strpos(e.stack, E'\n    at ') > 0 THEN split_part(substr(e.stack, strpos(e.stack, E'\n    at ') + 5), E'\n', 1)
      ELSE split_part(e.stack, E'\n', 1)
    END, 500) AS frame
  FROM session_errors e
  JOIN sessions s ON s.id = e.session_id
  WHERE e.created_at >= %(from_time)s
    AND e.created_at <= %(to_time)s
    AND s.expires_at > now()
    AND (%(bound_app_id)s::text IS NULL OR s.app_id = %(bound_app_id)s)
    AND (%(app_id)s::text IS NULL OR s.app_id = %(app_id)s)
), by_session AS (
  SELECT
    error_type, message, frame, session_id,
    count(*) AS errors, min(created_at) AS first_seen, max(created_at) AS last_seen
  FROM found
  GROUP BY error_type, message, frame, session_id
)
SELECT
  error_type,
  message,
  frame,
  sum(errors)::bigint AS errors,
  count(*) AS sessions,
  (array_agg(session_id ORDER BY last_seen DESC))[1:%(examples)s],
  min(first_seen),
  max(last_seen),
  count(*) OVER ()
FROM by_session
GROUP BY error_type, message, frame
ORDER BY errors DESC, error_type, message, frame
LIMIT %(limit)s
OFFSET %(offset)s;
