SELECT count(*)
FROM sessions
WHERE ended_at IS NULL
  AND expires_at > now();
