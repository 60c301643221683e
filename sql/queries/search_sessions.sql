-- What no index finds is looked for in so many sessions, the newest first: their number, that of those found, the last
-- one's place, and a page of those found.
WITH looked_at AS MATERIALIZED (
  SELECT m.id, m.created_at
  FROM ({matching}) AS m
  ORDER BY m.created_at DESC, m.id DESC
  LIMIT %(reach)s
), found AS MATERIALIZED (
  SELECT s.id, s.created_at
  FROM looked_at l
  JOIN sessions s ON s.id = l.id
  WHERE (%(slow_url)s::text IS NULL OR s.page_url ILIKE %(slow_url)s)
    AND (%(slow_search)s::text IS NULL
      OR s.page_url ILIKE %(slow_search)s
      OR s.user_id ILIKE %(slow_search)s
      OR s.ticket_id ILIKE %(slow_search)s
      OR s.id BETWEEN %(search_first_id)s::uuid AND %(search_last_id)s::uuid)
    AND (%(error_message)s::text IS NULL OR EXISTS (
      SELECT 1
      FROM session_errors e
      WHERE e.session_id = s.id AND e.day = s.day AND e.message ILIKE %(error_message)s
    ))
), page AS (
  SELECT f.id
  FROM found f
  ORDER BY f.created_at DESC, f.id DESC
  LIMIT %(limit)s
  OFFSET %(offset)s
), last AS (
  SELECT l.created_at, l.id
  FROM looked_at l
  ORDER BY l.created_at, l.id
  LIMIT 1
)
SELECT
  (SELECT count(*) FROM looked_at),
  (SELECT count(*) FROM found),
  (SELECT last.created_at FROM last),
  (SELECT last.id FROM last),
  {columns},
  s.created_at
FROM (VALUES (1)) AS once
LEFT JOIN (page JOIN sessions s ON s.id = page.id) ON true
ORDER BY s.created_at DESC, s.id DESC;
