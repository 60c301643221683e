SELECT count(*)
FROM sessions
WHERE sealed_at IS NULL
  AND ended_at IS NOT NULL
  AND expires_at > now()
  AND (seal_not_before IS NULL OR seal_not_before <= now());
