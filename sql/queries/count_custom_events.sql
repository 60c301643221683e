WITH by_session AS (
  SELECT
    c.event_type, (c.created_at AT TIME ZONE 'UTC')::date AS date, c.session_id, count(*) AS events
  FROM custom_events c
  JOIN sessions s ON s.id = c.session_id
  WHERE c.created_at >= %(from_time)s
    AND c.created_at <= %(to_time)s
    AND (%(event_type)s::text IS NULL OR c.event_type = %(event_type)s)
    AND s.expires_at > now()
    AND (%(bound_app_id)s::text IS NULL OR s.app_id = %(bound_app_id)s)
    AND (%(app_id)s::text IS NULL OR s.app_id = %(app_id)s)
  GROUP BY 1, 2, 3
)
SELECT
  event_type,
  date,
  sum(events)::bigint AS events,
  count(*) AS sessions,
  count(*) OVER ()
FROM by_session
GROUP BY event_type, date
ORDER BY date DESC, events DESC, event_type
LIMIT %(limit)s
OFFSET %(offset)s;
