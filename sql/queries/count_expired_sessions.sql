SELECT count(*)
FROM sessions
WHERE day = %(day)s
  AND expires_at <= now();
