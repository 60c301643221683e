-- The days of which there are sessions or partitions, with their first and last expiry. A day is over when no session
-- of it can come any more: an hour after midnight, which is more than any transaction takes.
WITH RECURSIVE session_days AS (
  (SELECT day FROM sessions ORDER BY day LIMIT 1)
  UNION ALL
  SELECT (SELECT s.day FROM sessions s WHERE s.day > d.day ORDER BY s.day LIMIT 1)
  FROM session_days d
  WHERE d.day IS NOT NULL
), partition_days AS (
  SELECT DISTINCT to_date(right(c.relname, 10), 'YYYY_MM_DD') AS day
  FROM unnest(day_tables()) AS parent
  JOIN pg_inherits i ON i.inhparent = parent::regclass
  JOIN pg_class c ON c.oid = i.inhrelid
)
SELECT
  day,
  p.day IS NOT NULL,
  day < ((now() - INTERVAL '1 hour') AT TIME ZONE 'UTC')::date,
  (SELECT min(expires_at) FROM sessions WHERE sessions.day = d.day),
  (SELECT max(expires_at) FROM sessions WHERE sessions.day = d.day),
  now()
FROM (SELECT day FROM session_days WHERE day IS NOT NULL UNION SELECT day FROM partition_days) AS d
LEFT JOIN partition_days p USING (day)
ORDER BY day;
