-- The transaction that has been open for longest, if there is one.
SELECT t.pid, t.seconds, t.state
FROM (SELECT) AS always
LEFT JOIN (
  SELECT pid, EXTRACT(EPOCH FROM now() - xact_start)::float8 AS seconds, state
  FROM pg_stat_activity
  WHERE xact_start IS NOT NULL
    AND backend_type = 'client backend'
    AND pid <> pg_backend_pid()
  ORDER BY xact_start
  LIMIT 1
) AS t ON true;
