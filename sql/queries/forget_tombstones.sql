-- Deletes old tombstones, some at a time.
WITH gone AS (
  DELETE FROM tombstones
  WHERE session_id IN (
    SELECT session_id
    FROM tombstones
    WHERE created_at < now() - make_interval(days => %(days)s)
    ORDER BY created_at
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
  )
  RETURNING 1
)
SELECT count(*)
FROM gone;
