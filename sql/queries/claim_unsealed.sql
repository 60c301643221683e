-- Takes some ended sessions for a while. By the server's clock, since clients' clocks lie; rows that a batch is writing,
-- or another process takes, are left for the next round.
WITH waiting AS (
  SELECT id
  FROM sessions
  WHERE sealed_at IS NULL
    AND ended_at IS NOT NULL
    AND expires_at > now()
    AND last_activity <= now() - make_interval(secs => %(seal_after)s)
    AND (seal_not_before IS NULL OR seal_not_before <= now())
  ORDER BY ended_at
  LIMIT %(sessions)s
  FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sessions s
SET seal_not_before = now() + make_interval(secs => %(lease)s)
FROM waiting
WHERE s.id = waiting.id
RETURNING s.id, s.day, s.sealed_batch_count, s.batch_count;
