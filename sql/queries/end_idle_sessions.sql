-- Rows that another process is ending, or a batch is writing, are left for the next round.
WITH idle AS (
  SELECT
    id,
    COALESCE(
      to_timestamp(
        LEAST(GREATEST(last_timestamp, 0), 253402214399000)
        / CASE WHEN last_timestamp < 100000000000 THEN 1.0 ELSE 1000.0 END
      ),
      last_activity
    ) AS ended_at
  FROM sessions
  WHERE ended_at IS NULL
    AND last_activity < now() - make_interval(secs => %(idle_seconds)s)
  ORDER BY id
  LIMIT 1000
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sessions s
SET
  ended_at = idle.ended_at,
  duration_seconds = LEAST(GREATEST(round(extract(epoch FROM idle.ended_at - s.started_at)), 0), 2147483647)::int,
  ended_by = 'idle',
  updated_at = now()
FROM idle
WHERE s.id = idle.id
RETURNING s.id, s.batch_count;
